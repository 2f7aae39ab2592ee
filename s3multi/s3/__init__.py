# SPDX-License-Identifier: Apache-2.0
"""The rules, documents and arithmetic of Amazon S3, as plain functions and values. No Swift, no WSGI, no clock."""
