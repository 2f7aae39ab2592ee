# SPDX-License-Identifier: Apache-2.0
"""Frees the parts of an object that an S3 request has replaced or deleted.

A look at the key before the write names a candidate. After the write has been answered, it is judged whether anybody
may still need the candidate's parts; if not, they go to the queue of the object expirer. Whatever fails, or is not
certain, leaves parts to the sweep, and never takes one that is needed.
"""
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventlet import Timeout
from swift.common.http import is_success
from swift.common.swob import Request
from swift.common.utils import Timestamp, config_true_value

from s3multi.operations.bucket import Bucket
from s3multi.operations.known_parts import all_attempts
from s3multi.operations.references import References, Uncertain
from s3multi.operations.unreferenced import claim, left_behind, life_of, unlisted
from s3multi.s3.errors import S3Error
from s3multi.s3.parts import Attempt
from s3multi.storage.concurrency import behind
from s3multi.upload.lateness import Horizon
from s3multi.upload.layouts import is_upload_id
from s3multi.upload.names import Upload
from s3multi.upload.records import GRACE_SECONDS, ObjectAtKey

# Each may have to be asked for.
_MOST_VERSIONS = 100


@dataclass(frozen=True)
class Replaced:
    """A multipart object as it was before a write at its key.

    upload: the one that made it. timestamp: when it was written. version: the id of the version that a DELETE names;
    None if it names none.
    """

    upload: Upload
    timestamp: Timestamp
    version: 'str | None' = None


def applies_to(env: 'Mapping[str, Any]', free_replaced_parts: bool) -> bool:
    """Return whether a request is one that s3api makes to replace or delete an object.

    env: its environ. Clients can set neither ``swift.source`` nor, in an S3 request, the query.
    """
    if env.get('swift.source') != 'S3' or env['PATH_INFO'].count('/') < 4:
        return False
    if env['REQUEST_METHOD'] == 'PUT':
        return free_replaced_parts
    # s3api sends this query if it has seen that the object is a large one.
    return env['REQUEST_METHOD'] == 'DELETE' and 'multipart-manifest=delete' in env.get('QUERY_STRING', '')


def before(bucket: Bucket, key: str, request: Request) -> 'Replaced | None':
    """Return the object that a request is about to replace or delete, if ``after`` may free its parts; else None.

    request: one of those that this module ``applies_to``. The query of a DELETE is changed, so that SLO deletes the
    manifest alone, unless the parts are for SLO to delete. Does not raise.
    """
    if request.method == 'DELETE':
        return _take_over(bucket, key, request)
    if not bucket.settings.free_replaced_parts or _has_versions(bucket) or not _may_have_uploads(bucket):
        return None
    return _ours(bucket, key, _look(bucket, key, None), None)


def after(bucket: Bucket, replaced: 'Replaced | None', status: int) -> None:
    """Free the parts of ``replaced``, if the ``status`` of the answer says that the request took effect."""
    # Not before: if the write fails, the object stays, and needs its parts. 202 says that something newer is there.
    if replaced is not None and status in (201, 204):
        free_behind(bucket, replaced)


def candidate(bucket: Bucket, key: str, found: ObjectAtKey) -> 'Replaced | None':
    """Return the object ``found`` at a key as one whose parts may be freed when it is replaced; None otherwise."""
    if not bucket.settings.free_replaced_parts or _has_versions(bucket):
        return None
    return _ours(bucket, key, found, None)


def free_behind(bucket: Bucket, replaced: Replaced) -> None:
    """Free the parts of an object that was replaced, if nobody can need them. The client does not wait for it."""
    def free() -> None:
        try:
            parts = _unneeded(bucket, replaced)
        except Uncertain as doubt:
            bucket.logger.debug('parts of upload %s are left to the sweep: %s', replaced.upload.id, doubt)
        else:
            bucket.deletion.free(parts, bucket.ticks(), 0)

    behind(bucket.logger, 'parts of replaced objects of %s may be left' % bucket.name, free)


def _unneeded(bucket: Bucket, replaced: Replaced) -> 'list[Attempt]':
    """Return the parts that may be deleted, having claimed them. Raises Uncertain."""
    upload, references = replaced.upload, References(bucket.backend, bucket.name)
    if replaced.version is None or not _has_versions(bucket):
        parts = left_behind(bucket, references, upload, replaced.timestamp)
    else:
        # Another version may list them, and its row may be late: so this is judged as a sweep judges it.
        known = Horizon.of(bucket.now(), GRACE_SECONDS, _MOST_VERSIONS)
        life = life_of(bucket, references, upload, lambda: bucket.records.intent(upload), known)
        if life.shared is not None:
            raise Uncertain('another manifest of its parts was made')
        parts = unlisted(bucket, references, upload, all_attempts(bucket, upload), life, known)
    if parts:
        claim(bucket, upload, None)
    return parts


def _take_over(bucket: Bucket, key: str, request: Request) -> 'Replaced | None':
    """Do ``before`` for a DELETE."""
    # SLO would delete whatever the manifest lists, and then the manifest: even if that is a copy of another one, or if
    # it cannot be deleted in the end.
    version = request.params.get('version-id')
    replaced = None
    # Where versions are kept, what a DELETE hides becomes one and needs its parts, whoever made it.
    if bucket.settings.free_replaced_parts and (version is not None or not _hides(bucket)):
        found = _look(bucket, key, version)
        # The parts of a large object that s3multi has not made are for SLO to delete. Not so if the look has failed: it
        # may be a copied manifest, so parts are left. Nor if the object is not a large one any more: SLO would refuse.
        if found is not None and (found.is_large or found.is_link) and not (
                found.upload_id and is_upload_id(found.upload_id)) and not _lists_ours(bucket, key, version, found):
            return None
        if version is not None or not _has_versions(bucket):
            replaced = _ours(bucket, key, found, version)
    request.params = {name: value for name, value in request.params.items()
                      if name not in ('multipart-manifest', 'async')}
    return replaced


def _lists_ours(bucket: Bucket, key: str, version: 'str | None', found: ObjectAtKey) -> bool:
    """Return whether a large object that was made through the Swift API may consist of parts of ours."""
    if not found.is_large or found.upload_id:
        return False
    try:
        segments = References(bucket.backend, bucket.name).segments_of(key, version)
    except (Uncertain, S3Error, Timeout) as doubt:
        bucket.logger.warning('the segments of what is deleted are left: %s', doubt)
        return True
    # SLO deletes what a segment consists of that is a large object itself.
    return any(segment.is_large or bucket.ids.upload_of(bucket.account, *segment.path.lstrip('/').split('/', 1))
               for segment in segments)


def _may_have_uploads(bucket: Bucket) -> bool:
    """Return whether the bucket may have a segments container. If not, a PUT of an object costs no look at the key."""
    if not is_success(bucket.info['status']):
        return False
    known = bucket.with_uploads.recall(bucket.account, bucket.name)
    if known is None and bucket.with_uploads.works:
        # Asked for the next request, which does not wait for it either.
        behind(bucket.logger, 'whether %s has uploads is not known' % bucket.name, lambda: bucket.with_uploads.remember(
            bucket.account, bucket.name, bucket.segments.exist()))
    return known is not False


def _look(bucket: Bucket, key: str, version: 'str | None') -> 'ObjectAtKey | None':
    """Return what is at the key, or the version with this id; None if Swift does not tell."""
    try:
        # Any replica will do: this only names a candidate, which is judged after the write.
        return bucket.objects.at_key(key, version, newest=False, expired=True)
    except (S3Error, Timeout) as error:
        bucket.logger.warning('no look at what is replaced: %s', error)
        return None


def _ours(bucket: Bucket, key: str, found: 'ObjectAtKey | None', version: 'str | None') -> 'Replaced | None':
    """Return the object ``found`` as one to free; None unless its upload was made for this account, bucket and key."""
    # A copied manifest has the upload id of the original, and lists its parts. They must not be freed with the copy.
    if found is None or found.upload_id is None or not bucket.made_id(key, found.upload_id):
        return None
    return Replaced(Upload(bucket.account, bucket.name, key, found.upload_id), found.timestamp, version)


def _hides(bucket: Bucket) -> bool:
    """Return whether a DELETE of a key keeps what it deletes: in either of Swift's two ways, and not suspended."""
    sysmeta = bucket.info.get('sysmeta') or {}
    return 'versions-location' in sysmeta or config_true_value(sysmeta.get('versions-enabled'))


def _has_versions(bucket: Bucket) -> bool:
    """Return whether the bucket keeps, or once kept, what is overwritten: in either of the ways that Swift has."""
    return 'versions-location' in (bucket.info.get('sysmeta') or {}) or bucket.is_versioned
