# SPDX-License-Identifier: Apache-2.0
"""The object at a key: what is there, its versions, and the manifest that a Complete writes.

Decisions depend on what is there, so the newest replica is asked, unless the answer only names a candidate.
"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from swift.common.middleware.symlink import TGT_OBJ_SYMLINK_HDR
from swift.common.middleware.versioned_writes.object_versioning import DELETE_MARKER_CONTENT_TYPE
from swift.common.swob import Request, Response
from swift.common.utils import Timestamp, config_true_value

from s3multi.s3.checksums import ObjectDigests, stored_checksum
from s3multi.s3.conditions import Compare
from s3multi.s3.errors import NoSuchBucket, PreconditionFailed, ServiceUnavailable
from s3multi.s3.parts import Attempt
from s3multi.storage.answers import failure, timestamp_of
from s3multi.storage.held_writes import HeldBody
from s3multi.storage.requests import Backend, Target
from s3multi.storage.rows import read_rows
from s3multi.upload import manifest
from s3multi.upload.marker_names import before_unlistable, is_listable
from s3multi.upload.names import Upload
from s3multi.upload.records import Intent, ObjectAtKey, UploadMarker
from s3multi.upload.timestamps import just_after, plain_time

_NEWEST = {'X-Newest': 'true'}
_EXPIRED = {'X-Backend-Open-Expired': 'true'}
# One, and a few whose rows are still there.
_NEWEST_VERSIONS = 10


@dataclass(frozen=True)
class Written:
    """What became of the PUT of a manifest.

    stored: False if something not older was there, which stays. version_id: None in a bucket without versions.
    """

    stored: bool
    version_id: 'str | None'


@dataclass(frozen=True)
class Entry:
    """The records under which a Complete writes its manifest.

    joined: whether the intent was written by another Complete with the same list.
    """

    intent: Intent
    marker: UploadMarker
    joined: bool = False


class Objects:
    """The objects of one bucket."""

    def __init__(self, backend: Backend, bucket: str) -> None:
        self._backend = backend
        self._bucket = bucket

    def shown(self, key: str) -> ObjectAtKey:
        """Return what S3 clients see at ``key``; in a bucket with versions, the current version."""
        _, response = self._backend.head_current(Target(self._bucket, key), (400, 404))
        return _found(response)

    def version(self, key: str, written_at: Timestamp) -> ObjectAtKey:
        """Return the version of ``key`` that was written at ``written_at``."""
        return self.at_key(key, plain_time(written_at))

    def at_key(self, key: str, version_id: 'str | None' = None, *, newest: bool = True,
               expired: bool = False) -> ObjectAtKey:
        """Return what is stored at ``key``, or as a version of it, without following a link.

        version_id: None for what is at the key itself. newest: whether the newest replica has to answer; any one costs
        less. expired: whether to see what has outlived its X-Delete-At, too, until the expirer comes.
        """
        target = Target(self._bucket, key, {'version-id': version_id} if version_id else {})
        return _found(self._backend.call('HEAD', target, (400, 404), {
            **(_NEWEST if newest else {}), **(_EXPIRED if expired else {})}))

    def to_replace(self, key: str) -> ObjectAtKey:
        """Return what a write to ``key`` is about to replace; also what has expired, until the expirer comes.

        It may be older than what is there if no node that should have the newest replica has it.
        """
        target, headers = Target(self._bucket, key), {**_NEWEST, **_EXPIRED}
        try:
            response = self._backend.call('HEAD', target, (400, 404), headers, handoffs=False)
        except ServiceUnavailable:
            response = self._backend.call('HEAD', target, (400, 404), headers)
        return _found(response)

    def newest_versions(self, key: str) -> 'list[tuple[str, bool]]':
        """Return the ids of the newest versions of ``key``, each with whether it is a delete marker."""
        place = {'prefix': key} if is_listable(key) else {'marker': before_unlistable(key)}
        target = Target(self._bucket, query={
            'versions': 'true', 'format': 'json', 'limit': str(_NEWEST_VERSIONS), **place})
        rows = read_rows(self._backend.call('GET', target, ()))
        return [(row.get('version_id', 'null'), row.get('content_type') == DELETE_MARKER_CONTENT_TYPE)
                for row in rows if row.get('name') == key]

    def show(self, key: str, version_id: str, shown_at: Timestamp) -> bool:
        """Make a version of ``key`` the current one, unless there is something newer; return whether there is such."""
        target = Target(self._bucket, key, {'version-id': version_id})
        return bool(self._backend.call('PUT', target, (404,), {'X-Timestamp': shown_at.internal}).is_success)

    def put_manifest(self, upload: Upload, attempts: Sequence[Attempt], digests: ObjectDigests, body: bytes,
                     entry: Entry, compare: Compare = Compare.NOBODY, held: 'HeldBody | None' = None) -> Written:
        """Write the manifest of parts that are proven, with the timestamp T of the intent.

        body: the manifest, as ``manifest.stored`` makes it of ``attempts``. compare: who has compared the object at the
        key with a condition, or does so now. held: holds back the write until it is released; None to write at once.

        Something newer at the key is no failure without a condition: the object counts as written, and overwritten at
        once. With one it raises PreconditionFailed, as does whatever Swift finds there if it compares. Raises
        NoSuchBucket, EntityTooLarge if a quota has no room, ServiceUnavailable.
        """
        target = Target(self._bucket, upload.key)
        request = self._backend.request('PUT', target, {
            **manifest.stored_headers(upload, attempts, entry.marker.headers, digests, body),
            'X-Timestamp': plain_time(entry.intent.timestamp), **_condition(compare)}, body, past_quota=True)
        # SLO passes on a manifest that a filter to its left has finished, as it does for container-sync.
        request.environ.update({'swift.slo_override': True, 'swift.content_type_overridden': True})
        _look_again(request)
        if held is not None:
            held.hold(request)
        return self._written(target, self._backend.answer(request), compare)

    def put_manifest_through_slo(self, upload: Upload, attempts: Sequence[Attempt], digests: ObjectDigests,
                                 enter: 'Callable[[], Entry | None]',
                                 compare: Compare = Compare.NOBODY) -> 'Written | None':
        """Do as ``put_manifest``, but have SLO ask for every part before it calls ``enter``.

        enter: returns the records to write under; None if nothing is to be written, and then this returns None too.
        Raises InvalidPart for the first part that is not there or not as the manifest says, and what ``enter`` raises.
        """
        target = Target(self._bucket, upload.key, {'multipart-manifest': 'put'})
        request = self._backend.request('PUT', target, {'Accept': 'application/json', **_condition(compare)},
                                        manifest.request_body(upload, attempts), past_quota=True)
        refused = False

        def hook(segments: 'list[dict[str, Any] | None]') -> 'list[object]':
            nonlocal refused
            # SLO calls the hook even if a part is missing or changed, and refuses the manifest afterwards. An intent
            # that was written for it would only keep others waiting.
            if not manifest.agrees(segments, attempts):
                return []
            entry = enter()
            if entry is None:
                refused = True
                # SLO writes nothing if its hook reports a problem.
                return [(upload.key, 'nothing is to be written')]
            # SLO writes with this very environ, so headers can still be set here.
            request.headers.update(manifest.object_headers(upload, entry.marker.headers, digests))
            request.headers['X-Timestamp'] = plain_time(entry.intent.timestamp)
            _look_again(request)
            return []

        request.environ['swift.callback.slo_manifest_hook'] = hook
        response = self._backend.answer(request)
        if refused:
            return None
        if response.status_int == 400:
            raise manifest.refusal(upload, attempts, response.body)
        return self._written(target, response, compare)

    def show_version(self, upload: Upload, timestamp: Timestamp) -> None:
        """Make the version that was written at ``timestamp`` the current one, unless a newer one is. Harmless if there
        is no such version.

        Swift writes a version and then the link that shows it. If two proxies wrote the same version, or one died in
        between, the link may be missing, or may not tell what it leads to.
        """
        # Later than the link that was written with the version, which would otherwise stay.
        self.show(upload.key, plain_time(timestamp), just_after(Timestamp(plain_time(timestamp))))

    def _written(self, target: Target, response: Response, compare: Compare) -> Written:
        # 202: something newer is there, with which nobody has compared.
        if compare is not Compare.NOBODY and response.status_int in (202, 412):
            raise PreconditionFailed()
        if response.status_int == 404:
            raise NoSuchBucket(self._bucket)
        if response.status_int == 412:  # the bucket is being deleted, and its container of versions is gone
            raise ServiceUnavailable()
        if not response.is_success:
            raise failure('PUT', target.kind, response)
        return Written(response.status_int == 201, response.headers.get('X-Object-Version-Id'))


def _look_again(request: Request) -> None:
    # Makes the proxy look the bucket up once more. Otherwise Swift would write into a bucket that was deleted since its
    # last look, and so bring it back. The infocache is as old as the client's request; memcache is newer, since a proxy
    # that deletes a bucket removes it there.
    request.environ['swift.infocache'] = {}


def _condition(compare: Compare) -> 'dict[str, str]':
    return {'If-None-Match': '*'} if compare is Compare.SWIFT else {}


def _found(response: Response) -> ObjectAtKey:
    if response.status_int == 400:
        # The bucket had versions a moment ago, and is being deleted.
        raise ServiceUnavailable()
    return object_of(response)


def object_of(response: Response) -> ObjectAtKey:
    """Return the object that Swift's answer to a HEAD shows; after a 404, only the time of its deletion."""
    if not response.is_success:
        return ObjectAtKey(timestamp=timestamp_of(response))
    headers, large = response.headers, is_large(response)
    # A server-side copy inherits the upload id but has bytes of its own, and so no parts.
    return ObjectAtKey(
        headers.get(manifest.UPLOAD_ID_HEADER) if large else None, shown_etag(response), timestamp_of(response),
        headers.get('X-Object-Version-Id'),
        stored_checksum(headers.get(manifest.CHECKSUM_HEADER)) if large else None, large,
        is_link(response))


def shown_etag(response: Response) -> str:
    """Return the ETag, unquoted, that s3api shows to clients for the object in Swift's answer."""
    # As in s3api's ``S3Response``: an empty value of s3api's own name outweighs that of swift3.
    stored: str = next((response.headers[name] for name in manifest.ETAG_HEADERS if name in response.headers), '')
    if stored:
        return stored.replace('"', '')
    etag: str = response.headers.get('Etag', '').replace('"', '')
    # s3api marks the ETag of a large object that was not made through S3 in this way.
    return etag + '-N' if etag and is_large(response) else etag


def is_large(response: Response) -> bool:
    """Return whether the object in Swift's answer is a Static Large Object."""
    return bool(config_true_value(response.headers.get('X-Static-Large-Object')))


def is_link(response: Response) -> bool:
    """Return whether Swift answered with a symbolic link itself, and not with what it leads to."""
    return TGT_OBJ_SYMLINK_HDR in response.headers


def is_plain(response: Response) -> bool:
    """Return whether Swift answered with an object that is neither a link nor a Static Large Object."""
    return bool(response.is_success) and not is_link(response) and not is_large(response)
