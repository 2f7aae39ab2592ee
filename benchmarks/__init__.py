# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: s3multi beside Swift's own s3api, over the same storage servers. `python3 -m benchmarks --help`."""
