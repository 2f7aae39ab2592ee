# SPDX-License-Identifier: Apache-2.0
"""How what operations and commands take grows with what is stored. `python3 -m benchmarks.growth --help`."""
