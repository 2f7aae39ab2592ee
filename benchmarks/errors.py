# SPDX-License-Identifier: Apache-2.0
"""What can go wrong in a measurement."""


class BenchmarkError(Exception):
    """A request that was not answered in time, or not with what it must be answered with."""
