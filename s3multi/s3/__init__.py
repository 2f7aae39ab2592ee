# SPDX-License-Identifier: Apache-2.0
"""What Amazon S3 says: rules, documents and arithmetic as plain functions and values. No Swift, no WSGI, no clock."""
