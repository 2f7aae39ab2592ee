# SPDX-License-Identifier: Apache-2.0
"""Benchmarks: compare s3multi with Swift's own s3api over the same storage servers. `python3 -m benchmarks --help`."""
