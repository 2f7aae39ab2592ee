# SPDX-License-Identifier: Apache-2.0
"""The object at a key: what is there, its versions, and the manifest that a Complete writes.

Decisions hang on what is there, so the newest replica is asked, unless an answer only names a candidate.
"""
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import simplejson as json
from swift.common.middleware.symlink import TGT_OBJ_SYMLINK_HDR
from swift.common.swob import Request, Response
from swift.common.utils import Timestamp, config_true_value

from s3multi.s3.checksums import ObjectDigests, stored_checksum
from s3multi.s3.conditions import Compare
from s3multi.s3.errors import NoSuchBucket, PreconditionFailed, ServiceUnavailable
from s3multi.s3.parts import Attempt
from s3multi.storage.requests import Backend, Target, failure, timestamp_of
from s3multi.upload import manifest
from s3multi.upload.names import Upload
from s3multi.upload.records import Intent, ObjectAtKey, UploadMarker
from s3multi.upload.timestamps import just_after, plain_time, swift_time

# Each may have to be asked for.
_MOST_VERSIONS = 100


@dataclass(frozen=True)
class Written:
    """What became of a manifest. stored: False where something that is not older was there."""

    stored: bool
    version_id: 'str | None'


@dataclass(frozen=True)
class Entry:
    """What a Complete writes its manifest with. joined: whether the intent is that of another with the same list."""

    intent: Intent
    marker: UploadMarker
    joined: bool = False


class Objects:
    """The objects of one bucket."""

    def __init__(self, backend: Backend, bucket: str, versioned: bool) -> None:
        """versioned: whether the bucket has, or had, versions."""
        self._backend = backend
        self._bucket = bucket
        self._versioned = versioned

    def shown(self, key: str) -> ObjectAtKey:
        """Return what S3 clients see at ``key``: the current version, where there are versions."""
        # A user's link is not the object that it points to. But where there are versions the current one is behind a
        # link of Swift's own.
        return self._look(key, {} if self._versioned else {'symlink': 'get'})

    def version(self, key: str, written: Timestamp) -> ObjectAtKey:
        """Return the version of ``key`` that was written at ``written``."""
        return self.at_key(key, plain_time(written))

    def at_key(self, key: str, version_id: 'str | None' = None, *, newest: bool = True) -> ObjectAtKey:
        """Return the very thing at ``key``, or its version: a link is what it is, not what it leads to.

        newest: whether to ask for the newest replica; a look at any one costs less.
        """
        return self._look(key, {'symlink': 'get', **({'version-id': version_id} if version_id else {})}, newest)

    def _look(self, key: str, query: 'dict[str, str]', newest: bool = True) -> ObjectAtKey:
        target = Target(self._bucket, key, query)
        response = self._backend.call('HEAD', target, (400, 404), {'X-Newest': 'true'} if newest else {})
        if response.status_int == 400:
            # The bucket had versions a moment ago, and is being deleted.
            raise ServiceUnavailable()
        return object_of(response)

    def versions(self, key: str, written: Timestamp, seconds: float) -> 'list[str] | None':
        """Return the ids of the versions of ``key`` that were written up to so many ``seconds`` before or after.

        None when they are too many to be known from one request.
        """
        newest = swift_time(int((float(written) + seconds) * 100000))
        target = Target(self._bucket, query={
            'versions': 'true', 'format': 'json', 'prefix': key, 'marker': key, 'version_marker': newest.internal,
            'limit': str(_MOST_VERSIONS)})
        rows = json.loads(self._backend.call('GET', target, ()).body)
        ids = [row.get('version_id', 'null') for row in rows if row.get('name') == key]
        near = [each for each in ids if each != 'null' and float(Timestamp(each)) >= float(written) - seconds]
        return None if len(near) == _MOST_VERSIONS else near

    def bucket_sysmeta(self) -> 'dict[str, str]':
        """Ask for the system metadata of the bucket, past all caches; names in lower case, without their prefix."""
        headers = self._backend.head_newest(Target(self._bucket)).headers
        prefix = 'x-container-sysmeta-'
        return {name.lower()[len(prefix):]: value for name, value in headers.items()
                if name.lower().startswith(prefix)}

    def put_manifest(self, upload: Upload, attempts: Sequence[Attempt], digests: ObjectDigests, body: bytes,
                     entry: Entry, compare: Compare = Compare.NOBODY) -> Written:
        """Write the manifest of parts that are proven.

        body: as ``manifest.stored`` makes it of ``attempts``. compare: who sees to it that nothing unknown is replaced;
        unless it is nobody, raises PreconditionFailed when something is there. That something newer is at the key
        already is no failure: the object was written, and overwritten at once.
        """
        target = Target(self._bucket, upload.key)
        request = self._backend.request('PUT', target, {
            **manifest.stored_headers(upload, attempts, entry.marker.headers, digests, body),
            'X-Timestamp': plain_time(entry.intent.timestamp), **_condition(compare)}, body, past_quota=True)
        # SLO lets a manifest pass that a filter to its left has finished, as container-sync does.
        request.environ.update({'swift.slo_override': True, 'swift.content_type_overridden': True})
        _look_again(request)
        return self._written(target, self._backend.answer(request), compare)

    def put_manifest_through_slo(self, upload: Upload, attempts: Sequence[Attempt], digests: ObjectDigests,
                                 enter: 'Callable[[], Entry | None]',
                                 compare: Compare = Compare.NOBODY) -> 'Written | None':
        """Like ``put_manifest``, but have SLO ask for every part before it calls ``enter``.

        enter: None when nothing is to be written; then this returns None. Raises InvalidPart for the first part that is
        not there or not as the manifest says.
        """
        target = Target(self._bucket, upload.key, {'multipart-manifest': 'put'})
        request = self._backend.request('PUT', target, {'Accept': 'application/json', **_condition(compare)},
                                        manifest.request_body(upload, attempts), past_quota=True)
        refused = False

        def hook(segments: 'list[dict[str, Any] | None]') -> 'list[object]':
            nonlocal refused
            # SLO asks even when it has found a part missing or changed, and refuses the manifest afterwards.
            if not manifest.agrees(segments, attempts):
                return []
            entry = enter()
            if entry is None:
                refused = True
                # One problem is enough for SLO to write nothing.
                return [(upload.key, 'nothing is to be written')]
            # SLO writes with this very environ, so what only now is known can still be set.
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
        """Make the version that was written at ``timestamp`` the current one, unless a newer one is.

        Swift writes a version and then the link that shows it. Where two wrote the same version, or one died in
        between, the link is missing or does not say what it leads to.
        """
        target = Target(self._bucket, upload.key, {'version-id': plain_time(timestamp)})
        # After the link that either of them may have written.
        shown = just_after(Timestamp(plain_time(timestamp)))
        self._backend.call('PUT', target, (404,), {'X-Timestamp': shown.internal})

    def _written(self, target: Target, response: Response, compare: Compare) -> Written:
        # 202: something newer is there, which nobody has compared with.
        if compare is not Compare.NOBODY and response.status_int in (202, 412):
            raise PreconditionFailed()
        if response.status_int == 404:
            raise NoSuchBucket(self._bucket)
        if response.status_int == 412:  # the bucket is being deleted: its versions have no place any more
            raise ServiceUnavailable()
        if not response.is_success:
            raise failure('PUT', target, response)
        return Written(response.status_int == 201, response.headers.get('X-Object-Version-Id'))


def _look_again(request: Request) -> None:
    # Swift writes into a bucket that was deleted since it was last looked at, and so brings it back. What the environ
    # knows is as old as the client's request; memcache is newer: the proxy that deletes a bucket takes it out there.
    request.environ['swift.infocache'] = {}


def _condition(compare: Compare) -> 'dict[str, str]':
    return {'If-None-Match': '*'} if compare is Compare.SWIFT else {}


def object_of(response: Response) -> ObjectAtKey:
    """Return the object that Swift answered a HEAD with; one of 404 tells when it was deleted."""
    if not response.is_success:
        return ObjectAtKey(timestamp=timestamp_of(response))
    headers, large = response.headers, is_large(response)
    # A plain object may have inherited the id by a copy: it consists of no parts.
    return ObjectAtKey(
        headers.get(manifest.UPLOAD_ID_HEADER) if large else None, shown_etag(response), timestamp_of(response),
        headers.get('X-Object-Version-Id'),
        stored_checksum(headers.get(manifest.CHECKSUM_HEADER)) if large else None, large,
        TGT_OBJ_SYMLINK_HDR in headers)


def shown_etag(response: Response) -> str:
    """Return the ETag, bare, that s3api tells clients of the object that Swift answered with."""
    headers = response.headers
    etag: str = headers.get(manifest.ETAG_HEADER) or headers.get('Etag', '').strip('"')
    # A large object that was not made through S3.
    return etag + '-N' if manifest.ETAG_HEADER not in headers and is_large(response) else etag


def is_large(response: Response) -> bool:
    """Return whether Swift answered with a Static Large Object."""
    return bool(config_true_value(response.headers.get('X-Static-Large-Object')))
