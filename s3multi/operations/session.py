# SPDX-License-Identifier: Apache-2.0
"""What an operation is handed: the call, the store, and the few questions that several operations ask."""
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import eventlet
import swift.common.utils
from eventlet.greenthread import GreenThread
from swift.common.middleware.versioned_writes.object_versioning import DELETE_MARKER_CONTENT_TYPE
from swift.common.utils import Timestamp, config_true_value

from s3multi.config import Settings
from s3multi.operations.request import Call
from s3multi.s3.errors import AccessDenied, NoSuchUpload
from s3multi.storage.cache_hints import ConditionalWrites, PartHints
from s3multi.storage.records import Records
from s3multi.storage.requests import Backend, Target
from s3multi.storage.segments import Store
from s3multi.upload.bucket_lifetime import ended_before
from s3multi.upload.names import Upload, UploadIds
from s3multi.upload.quotas import NO_QUOTA, Quota, check_object, check_part, quota_of
from s3multi.upload.records import Marker, State

_Result = TypeVar('_Result')


@dataclass(frozen=True)
class Session:
    """One S3 request on its way. bucket_info: Swift's container info of the bucket. encrypted: whether the
    cluster encrypts objects. has_quotas: whether it has quotas of containers."""

    call: Call
    store: Store
    records: Records
    backend: Backend
    settings: Settings
    ids: UploadIds
    hints: PartHints
    conditional_writes: ConditionalWrites
    bucket_info: 'dict[str, Any]'
    encrypted: bool
    has_quotas: bool
    logger: Any

    def upload(self) -> Upload:
        """Return the upload the request names. Raises NoSuchUpload unless the bucket ``knows`` its id."""
        upload_id = self.call.params.get('uploadId', '')
        key = self.call.object_key()
        if not self.knows(key, upload_id):
            raise NoSuchUpload(upload_id)
        return Upload(self.call.account, self.call.bucket, key, upload_id)

    def knows(self, key: str, upload_id: str) -> bool:
        """Say whether an id was made for this bucket and key, and since the bucket was made."""
        account, bucket = self.call.account, self.call.bucket
        return (self.ids.belongs(account, bucket, key, upload_id)
                and Upload(account, bucket, key, upload_id).ticks > self.ended_before)

    def open_marker(self, upload: Upload) -> Marker:
        """Read the marker of an upload that must be open. Raises NoSuchUpload when it is not."""
        marker = self.records.marker(upload)
        if marker is None or marker.state is not State.OPEN:
            raise NoSuchUpload(upload.id)
        return marker

    def check_owner(self, header: str, bucket: str) -> None:
        """Raise AccessDenied when ``header`` names another owner of ``bucket`` than s3api would show to this user."""
        expected = self.call.headers.get(header)
        if expected is None:
            return
        # Without ACLs all buckets that a user can address are of one account, and s3api names the user as their owner.
        owner = self.call.user
        if self.call.s3_acl is not None:
            info = self.bucket_info if bucket == self.call.bucket else self.backend.bucket_info(bucket)
            owner = self.call.s3_acl.owner_of(info['sysmeta'])
        if expected != owner:
            raise AccessDenied()

    def check_part_quota(self, upload: Upload, size: int) -> None:
        """Raise EntityTooLarge when the quota of the bucket has no room for a part of ``size`` bytes."""
        quota = self._quota()
        if quota.max_bytes is not None:
            check_part(quota, self.bucket_info['bytes'], self._segments_bytes(upload), size)

    def check_object_quota(self, upload: Upload, size: int) -> None:
        """Raise EntityTooLarge when the quota of the bucket has no room for an object of ``size`` bytes in parts."""
        quota = self._quota()
        if quota != NO_QUOTA:
            check_object(quota, self.bucket_info['bytes'], self.bucket_info['object_count'],
                         self._segments_bytes(upload), size)

    def _quota(self) -> Quota:
        return quota_of(self.bucket_info) if self.has_quotas else NO_QUOTA

    def _segments_bytes(self, upload: Upload) -> int:
        # Swift's cache knows it: every PUT of a part has it looked up.
        return int(self.backend.bucket_info(upload.container)['bytes'])

    def spawn(self, task: 'Callable[[], _Result]') -> GreenThread:
        """Run ``task`` in a green thread of its own, which logs as this request does; return the thread."""
        thread_locals = self.logger.thread_locals

        def run() -> '_Result':
            self.logger.thread_locals = thread_locals
            return task()

        return eventlet.spawn(run)

    def delete_marker(self, bucket: str, key: str) -> 'str | None':
        """Return the version id of the delete marker that hides ``key``, for who may list ``bucket``; None for none."""
        response = self.backend.send_as_client('GET', Target(bucket, query={
            'versions': 'true', 'format': 'json', 'limit': '1', 'prefix': key}))
        rows = json.loads(response.body) if response.is_success else []
        newest = rows[0] if rows else {}
        if newest.get('name') == key and newest['content_type'] == DELETE_MARKER_CONTENT_TYPE:
            return str(newest['version_id'])
        return None

    @property
    def is_versioned(self) -> bool:
        """Whether the bucket has, or once had, versions."""
        return is_versioned(self.bucket_info)

    @property
    def ended_before(self) -> int:
        """Uploads that began no later ended when the bucket was deleted; in units of 10 microseconds."""
        return ended_before(self.bucket_info)

    @staticmethod
    def now() -> Timestamp:
        return Timestamp.now()

    @staticmethod
    def ticks() -> int:
        """Now, in units of 10 microseconds since the epoch."""
        return Timestamp.now().raw


def is_versioned(bucket_info: 'dict[str, Any]') -> bool:
    """Say whether a bucket, as Swift's container info shows it, has or once had versions (object_versioning)."""
    sysmeta = bucket_info.get('sysmeta') or {}
    return 'versions-container' in sysmeta or config_true_value(sysmeta.get('versions-enabled'))


def cluster_secret() -> bytes:
    """Return what upload ids of this cluster are made with."""
    # The only secret that every proxy of a cluster has already, and that no client knows.
    swift.common.utils.validate_hash_conf()
    return swift.common.utils.HASH_PATH_PREFIX + b'\0' + swift.common.utils.HASH_PATH_SUFFIX
