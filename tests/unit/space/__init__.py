# SPDX-License-Identifier: Apache-2.0
"""Tests of ``s3multi.space``."""
