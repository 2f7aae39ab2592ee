# SPDX-License-Identifier: Apache-2.0
"""One Swift cluster for both sides: the same storage servers behind two proxies that differ only in s3multi."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from s3multi.demo.cluster import PIPELINE, STOCK_FILTERS, STOCK_PIPELINE, Cluster
from s3multi.demo.conf import FILTERS as DEMO, merge

from . import probe
from .side import Side

S3MULTI, STOCK = 's3multi', 'stock'
SIDES = (S3MULTI, STOCK)

# Options of both proxies. By default parts of 1 KiB are too small, and stock s3api accepts only 1000 parts. The slo
# filter of the demo cluster admits 10,000 parts already.
FILTERS: Mapping[str, Mapping[str, Any]] = {'s3api': {'min_segment_size': 1, 'max_upload_part_num': 10000}}


def at_once(sides: Mapping[str, Side], prepare: Callable[[Side], Any]) -> dict[str, Any]:
    """Call `prepare` for all sides at once; return the results by the names of the sides."""
    with ThreadPoolExecutor(len(sides)) as pool:
        made = {name: pool.submit(prepare, side) for name, side in sides.items()}
        try:
            return {name: future.result() for name, future in made.items()}
        except KeyboardInterrupt:
            # The end of this block waits for both, and both may have minutes of work left.
            for side in sides.values():
                side.stopped = True
            raise


class Arena:
    """A context manager that starts and stops the cluster in a directory; `sides` holds both sides by name.

    filters: further options of both proxies. probed: whether the proxies tell what they hold in memory (`probe`).
    Other options are those of Cluster.
    """

    def __init__(self, directory: str | os.PathLike[str], filters: Mapping[str, Mapping[str, Any]] | None = None,
                 probed: bool = False, **options: Any) -> None:
        self._filters = merge(FILTERS, filters or {}, probe.FILTERS if probed else {})
        self.cluster = Cluster(directory, filters=self._filters, **options)
        self._pipelines = {name: probe.into(pipeline) if probed else pipeline
                           for name, pipeline in ((S3MULTI, PIPELINE), (STOCK, STOCK_PIPELINE))}
        self.sides = {name: Side(name) for name in SIDES}

    def __enter__(self) -> Arena:
        self.cluster.start()
        try:
            self.renew_proxies()
        except BaseException:
            self.cluster.stop()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.cluster.stop()

    @property
    def settings(self) -> dict[str, Any]:
        """The pipelines of both sides and the options that matter, for the JSON file."""
        return {'pipelines': self._pipelines, 'filters': merge({'slo': DEMO['slo']}, self._filters)}

    def renew_proxies(self) -> None:
        """Give each side a new proxy, and warm it up."""
        for name, side in self.sides.items():
            # A proxy of that name is stopped first. The cluster's own first proxy stays, idle.
            side.connect(self.cluster.add_proxy(name, pipeline=self._pipelines[name],
                                                filters=STOCK_FILTERS if name == STOCK else None))

    def prepare(self, prepare: Callable[[Side], Any]) -> dict[str, Any]:
        """Call `prepare` for both sides at once; return the results by the names of the sides."""
        return at_once(self.sides, prepare)

    def settle(self) -> None:
        """Bring into the listings all rows that a busy container server did not accept in time."""
        self.cluster.run_once('object-updater')
