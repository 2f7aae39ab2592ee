# SPDX-License-Identifier: Apache-2.0
"""s3multi: S3 multipart uploads for the OpenStack Swift proxy, as a PasteDeploy filter.

This package imports nothing: setup.cfg reads the version from here before any requirement is installed.
"""

__version__ = '0.1.0'
