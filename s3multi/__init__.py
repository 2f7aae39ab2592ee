# SPDX-License-Identifier: Apache-2.0
"""s3multi: S3 multipart uploads for the OpenStack Swift proxy, as a PasteDeploy filter.

Importing this package imports nothing else: setup.cfg reads the version from here before any requirement is there.
"""

__version__ = '0.1.0'
