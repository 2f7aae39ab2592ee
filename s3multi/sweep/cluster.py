# SPDX-License-Identifier: Apache-2.0
"""The cluster that is swept: its buckets with uploads, and the queue of its expirer."""
import json
from collections.abc import Iterator
from typing import Any

from s3multi.commands.cluster import ReachedCluster
from s3multi.sweep.queue import QueueState, look
from s3multi.upload.marker_names import bucket_of_markers
from s3multi.upload.names import SEGMENTS_SUFFIX

# Of each container of the expirer's queue: enough to find a deletion behind tasks that the expirer keeps.
_TASKS_LOOKED_AT = 1000


class SweptCluster(ReachedCluster):
    """Containers, accounts and the expirer's queue of a cluster."""

    def __init__(self, conf_path: str, swift_dir: 'str | None', logger: Any) -> None:
        super().__init__(conf_path, swift_dir, logger, 's3multi sweep')

    def buckets(self, account: str) -> Iterator[str]:
        """Yield the buckets of an account that have a container for uploads, whether they still exist or not."""
        with_markers: set[str] = set()
        # Reserved names, which the internal client is shown, come first.
        for row in self.client.iter_containers(account):
            bucket = bucket_of_markers(row['name'])
            if bucket:
                with_markers.add(bucket)
            elif row['name'].endswith(SEGMENTS_SUFFIX) and row['name'] != SEGMENTS_SUFFIX:
                bucket = row['name'][:-len(SEGMENTS_SUFFIX)]
                if bucket in with_markers:
                    continue
            if bucket:
                yield bucket

    def queue(self, now: float) -> QueueState:
        """Look at the queue of the object expirer. Raises what the internal client raises."""
        account = '.' + (self.settings.expiring_objects_account_name or 'expiring_objects')

        def first_tasks(container: str) -> 'list[dict[str, Any]]':
            path = self.client.make_path(account, container) + '?format=json&limit=%d' % _TASKS_LOOKED_AT
            response = self.client.make_request('GET', path, {}, (2, 404))
            rows: list[dict[str, Any]] = json.loads(response.body) if response.status_int == 200 else []
            return rows

        return look(lambda: self.client.iter_containers(account), first_tasks,
                    self.settings.expiring_objects_container_divisor or 86400, now)
