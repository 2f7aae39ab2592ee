# SPDX-License-Identifier: Apache-2.0
"""The requests to Swift, and what is kept in memcache. No rules of S3, and no decisions about an upload."""
