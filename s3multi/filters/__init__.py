# SPDX-License-Identifier: Apache-2.0
"""The two WSGI filters, s3api and s3multi, which bring requests to the operations, and what they do besides."""
