# SPDX-License-Identifier: Apache-2.0
"""What the s3api of the installed Swift can do, as marks for tests that need it."""

from __future__ import annotations

import importlib.resources

import pytest

# Read and not imported: older ones import modules that Python warns of.
_SOURCE = importlib.resources.files('swift.common.middleware.s3api').joinpath('s3request.py').read_text('utf-8')

# Swift 2.36 brought bodies in aws-chunked form and the checksums of payloads.
needs_checksums = pytest.mark.skipif(
    'CHECKSUMS_BY_HEADER' not in _SOURCE, reason='s3api of this Swift knows no aws-chunked and no checksums')
