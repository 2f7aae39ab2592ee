# SPDX-License-Identifier: Apache-2.0
"""Entry points are read once in a process: PasteDeploy reads all those of Swift again for each filter of a pipeline."""

from __future__ import annotations

import functools
from importlib import metadata


def remember():
    """Keep what is read of a distribution from now on."""
    metadata.distribution = functools.lru_cache(maxsize=None)(metadata.distribution)
    once = functools.cached_property(metadata.Distribution.entry_points.fget)
    once.__set_name__(metadata.Distribution, 'entry_points')
    metadata.Distribution.entry_points = once
