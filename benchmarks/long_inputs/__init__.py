# SPDX-License-Identifier: Apache-2.0
"""The longest inputs of S3, through storage that keeps no bytes. `python3 -m benchmarks.long_inputs --help`."""
