# SPDX-License-Identifier: Apache-2.0
"""Frees the parts of an object that an S3 request has replaced or deleted.

A look at the key while the write is on its way names a candidate. After the write has been answered, it is judged
whether anybody may still need the candidate's parts; if not, they go to the queue of the object expirer. Whatever
fails, comes too late or is not certain, leaves parts to the sweep, and never takes one that is needed.
"""
from collections.abc import Callable
from dataclasses import dataclass

import eventlet
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
from s3multi.storage.concurrency import spawn
from s3multi.upload.lateness import Horizon
from s3multi.upload.layouts import is_upload_id
from s3multi.upload.names import Upload
from s3multi.upload.records import GRACE_SECONDS, ObjectAtKey

# Each may have to be asked for.
_MOST_VERSIONS = 100
# s3api sends it with a DELETE if it has seen that the object is a large one; Swift's next s3api does not.
_MANIFEST_QUERY = ('multipart-manifest', 'delete')


@dataclass(frozen=True)
class Replaced:
    """A multipart object as it was before a write at its key.

    upload: the one that made it. timestamp: when it was written. version: the id of the version that a DELETE names;
    None if it names none.
    """

    upload: Upload
    timestamp: Timestamp
    version: 'str | None' = None


Look = Callable[[], 'Replaced | None']


def begin(bucket: Bucket, key: str, request: Request, seen: 'ObjectAtKey | None') -> 'Look | None':
    """Return a call that waits for the object which a request of s3api is about to replace or delete; None if nothing
    of it can be freed.

    request: a PUT or DELETE of an object. The query of a DELETE is changed, so that SLO deletes the manifest alone,
    unless the parts are for SLO to delete. seen: what s3api has just found there; None if it has not looked. Where
    nobody has, Swift is asked beside the request, which does not wait. Neither this nor the call raises.
    """
    version = request.params.get('version-id') if request.method == 'DELETE' else None
    if request.method == 'DELETE' and _MANIFEST_QUERY in request.params.items():
        replaced = _take_over(bucket, key, request, version, seen)
        return None if replaced is None else lambda: replaced
    if not bucket.settings.free_replaced_parts or version is None and _has_versions(bucket):
        return None
    if seen is not None:
        found = _ours(bucket, key, seen, version)
        return None if found is None else lambda: found
    if not _may_have_uploads(bucket):
        return None
    look = spawn(bucket.logger, lambda: _ours(bucket, key, _look(bucket, key, version), version))
    # Lets it begin, and the thread in which Swift asks a replica. What that finds is then what the write replaces,
    # unless the replica is slow.
    for _ in range(2):
        eventlet.sleep(0)
    return look.wait


def after(bucket: Bucket, look: 'Look | None', status: int) -> None:
    """Free the parts of the object that ``look`` finds, if the ``status`` of the answer says that the request took
    effect. The client waits for neither.
    """
    # Not before: if the write fails, the object stays, and needs its parts. 202 says that something newer is there.
    if look is not None and status in (201, 204):
        _free_behind(bucket, look)


def candidate(bucket: Bucket, key: str, found: ObjectAtKey) -> 'Replaced | None':
    """Return the object ``found`` at a key as one whose parts may be freed when it is replaced; None otherwise."""
    if not bucket.settings.free_replaced_parts or _has_versions(bucket):
        return None
    return _ours(bucket, key, found, None)


def free_behind(bucket: Bucket, replaced: Replaced) -> None:
    """Free the parts of an object that was replaced, if nobody can need them. The client does not wait for it."""
    _free_behind(bucket, lambda: replaced)


def _free_behind(bucket: Bucket, look: Look) -> None:
    def free() -> None:
        replaced = look()
        if replaced is None:
            return
        try:
            parts = _unneeded(bucket, replaced)
        except Uncertain as doubt:
            bucket.logger.debug('parts of upload %s are left to the sweep: %s', replaced.upload.id, doubt)
        else:
            bucket.deletion.free(parts, bucket.ticks(), 0)

    bucket.behind('parts of replaced objects of %s may be left' % bucket.name, free)


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


def _take_over(bucket: Bucket, key: str, request: Request, version: 'str | None',
               seen: 'ObjectAtKey | None') -> 'Replaced | None':
    """Return the multipart object that a DELETE is about to remove with all that its manifest lists; None if it is not
    ours. Has SLO remove the manifest alone where the parts are not for SLO to delete.
    """
    # SLO would delete whatever the manifest lists, and then the manifest: even if that is a copy of another one, or if
    # it cannot be deleted in the end.
    replaced = None
    # Where versions are kept, what a DELETE hides becomes one and needs its parts, whoever made it.
    if bucket.settings.free_replaced_parts and (version is not None or not _hides(bucket)):
        found = seen or _look(bucket, key, version)
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
        bucket.behind('whether %s has uploads is not known' % bucket.name, lambda: bucket.with_uploads.remember(
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
