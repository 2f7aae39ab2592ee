# SPDX-License-Identifier: Apache-2.0
"""``Bucket``: everything that work on one bucket needs, whether it is done for an S3 client or by the sweep."""
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import swift.common.utils
from eventlet.greenthread import GreenThread
from swift.common.utils import Timestamp, cache_from_env, config_true_value

from s3multi.config import Settings
from s3multi.s3.bucket_lifecycle import Lifecycle
from s3multi.s3.errors import NoSuchUpload
from s3multi.storage.cache_hints import BucketsWithUploads, ConditionalWrites, EarlyCompletes, PartHints, UploadHints
from s3multi.storage.concurrency import Behind
from s3multi.storage.deletion import Deletion, Freeing
from s3multi.storage.markers import Markers
from s3multi.storage.metrics import Metrics
from s3multi.storage.notes import Notes
from s3multi.storage.objects import Objects
from s3multi.storage.records import Records
from s3multi.storage.requests import Backend
from s3multi.storage.segments import Segments
from s3multi.upload import abort_rules
from s3multi.upload.abort_rules import AbortRules
from s3multi.upload.bucket_lifetime import ended_before
from s3multi.upload.names import Upload, UploadIds
from s3multi.upload.quotas import NO_QUOTA, Quota, check_object, check_part, quota_of

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


@dataclass(frozen=True)
class Cluster:
    """What all buckets share.

    settings: the options of [filter:s3multi]. ids: makes and checks upload ids. freeing: how parts are deleted. logger:
    a Swift logger. encrypted: whether the cluster encrypts objects. has_quotas: whether it has container quotas.
    metrics: where to count.
    """

    settings: Settings
    ids: UploadIds
    freeing: Freeing
    logger: Any
    encrypted: bool = False
    has_quotas: bool = False
    metrics: Metrics = Metrics()

    @functools.cached_property
    def work_behind(self) -> Behind:
        """The work that goes on behind answers."""
        return Behind(self.logger, self.metrics)


@dataclass(frozen=True)
class Bucket:
    """One bucket of an account, with everything that Swift and memcache can be asked about it.

    account, name: native text. info: Swift's container info of the bucket (``get_container_info``).
    """

    account: str
    name: str
    info: 'dict[str, Any]'
    cluster: Cluster
    backend: Backend
    segments: Segments
    markers: Markers
    objects: Objects
    records: Records
    notes: Notes
    deletion: Deletion
    hints: PartHints
    upload_hints: UploadHints
    conditional_writes: ConditionalWrites
    early_completes: EarlyCompletes
    with_uploads: BucketsWithUploads

    @classmethod
    def open(cls, app: 'WSGIApplication', env: 'WSGIEnvironment', account: str, name: str,
             cluster: Cluster) -> 'Bucket':
        """Return a bucket, whether it exists or not; its container info is looked up.

        app: the pipeline to which requests go. env: the environ of the request on whose behalf they are made. account,
        name: native text.
        """
        backend = Backend(app, env, account, name, cluster.metrics)
        info = backend.bucket_info()
        cache = cache_from_env(env)
        segments = Segments(backend, name, cluster.settings.delete_concurrency)
        return cls(
            account, name, info, cluster, backend, segments, Markers(backend, name), Objects(backend, name),
            Records(backend), Notes(backend, name, segments), Deletion(backend, account, name, cluster.freeing),
            PartHints(cache), UploadHints(cache), ConditionalWrites(cache), EarlyCompletes(cache),
            BucketsWithUploads(cache))

    @property
    def settings(self) -> Settings:
        return self.cluster.settings

    @property
    def ids(self) -> UploadIds:
        return self.cluster.ids

    @property
    def logger(self) -> Any:
        return self.cluster.logger

    @property
    def metrics(self) -> Metrics:
        return self.cluster.metrics

    def behind(self, complaint: str, task: 'Callable[[], None]') -> GreenThread:
        """Run ``task`` while the client is answered, and after, as ``Behind.run`` does."""
        return self.cluster.work_behind.run(complaint, task)

    def upload(self, key: str, upload_id: str) -> Upload:
        """Return the upload with this id. Raises NoSuchUpload unless the bucket ``knows`` the id."""
        if not self.knows(key, upload_id):
            raise NoSuchUpload(upload_id)
        return Upload(self.account, self.name, key, upload_id)

    def made_id(self, key: str, upload_id: str) -> bool:
        """Return whether an id was made for this account, bucket name and key; perhaps for an earlier bucket."""
        return self.ids.belongs(self.account, self.name, key, upload_id)

    def knows(self, key: str, upload_id: str) -> bool:
        """Return whether an id was made for this key of the bucket as it is now, not for one that was deleted."""
        return (self.made_id(key, upload_id)
                and Upload(self.account, self.name, key, upload_id).ticks > self.ended_before)

    def check_part_quota(self, upload: Upload, size: int) -> None:
        """Raise EntityTooLarge if the quota of the bucket has no room for a part of ``size`` bytes."""
        quota = self._quota()
        if quota.max_bytes is not None:
            check_part(quota, self.info['bytes'], self._segments_bytes(upload), size)

    def check_object_quota(self, upload: Upload, size: int) -> None:
        """Raise EntityTooLarge if the quota of the bucket has no room for an object whose parts have ``size`` bytes."""
        quota = self._quota()
        if quota != NO_QUOTA:
            check_object(quota, self.info['bytes'], self.info['object_count'], self._segments_bytes(upload), size)

    def _quota(self) -> Quota:
        return quota_of(self.info) if self.cluster.has_quotas else NO_QUOTA

    def _segments_bytes(self, upload: Upload) -> int:
        # Costs no request as a rule: every PUT of a part brings this container info into Swift's cache.
        return int(self.backend.bucket_info(upload.container)['bytes'])

    @property
    def abort_rules(self) -> AbortRules:
        """When uploads are aborted that nobody ends, as far as the container info tells."""
        return self.with_operators_rules(abort_rules.of_bucket(self.info))

    def abort_headers(self, upload: Upload) -> 'dict[str, str]':
        """Return the headers that tell when an upload is aborted; none if it never is."""
        deadline = self.abort_rules.deadline(upload.key, upload.ticks)
        return deadline.headers if deadline else {}

    def with_operators_rules(self, lifecycle: 'Lifecycle | None') -> AbortRules:
        """Return when uploads are aborted that nobody ends. lifecycle: the configuration of the bucket, if any."""
        return AbortRules(lifecycle, self.settings.abort_uploads_after_days,
                          self.settings.abort_uploads_within_days)

    @property
    def is_versioned(self) -> bool:
        """Whether the bucket keeps versions, or once did: those that are left still need their parts."""
        return is_versioned(self.info)

    @property
    def ended_before(self) -> int:
        """Uploads that began at this time or before ended with an earlier bucket; in units of 10 microseconds."""
        return ended_before(self.info)

    @staticmethod
    def now() -> Timestamp:
        return Timestamp.now()

    @staticmethod
    def ticks() -> int:
        """Now, in units of 10 microseconds since the epoch."""
        return Timestamp.now().raw


def is_versioned(bucket_info: 'dict[str, Any]') -> bool:
    """Return whether a bucket has, or once had, versions, by Swift's container info of it.

    Versions are those of Swift's ``object_versioning``, which S3 clients see, not those of ``versioned_writes``.
    """
    sysmeta = bucket_info.get('sysmeta') or {}
    return 'versions-container' in sysmeta or config_true_value(sysmeta.get('versions-enabled'))


def cluster_secret() -> bytes:
    """Return the secret with which the upload ids of this cluster are made. Raises InvalidHashPathConfigError."""
    # The hash path prefix and suffix are the only secret that every proxy of a cluster has already.
    swift.common.utils.validate_hash_conf()
    return swift.common.utils.HASH_PATH_PREFIX + b'\0' + swift.common.utils.HASH_PATH_SUFFIX
