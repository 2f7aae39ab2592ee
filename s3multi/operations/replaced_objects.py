# SPDX-License-Identifier: Apache-2.0
"""Freeing the parts of an object that an S3 request has replaced or removed.

What is at the key is looked at before the write, and judged behind the answer to it: then the parts go to the queue of
the object expirer. Whatever fails, or is not certain, leaves parts behind and never takes one that is needed.
"""
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eventlet import Timeout
from swift.common.http import is_success
from swift.common.swob import Request
from swift.common.utils import Timestamp

from s3multi.operations.bucket import Bucket, is_versioned
from s3multi.operations.known_parts import all_attempts
from s3multi.s3.errors import S3Error
from s3multi.storage.concurrency import behind
from s3multi.upload.names import Upload, is_upload_id
from s3multi.upload.records import LEASE_SECONDS, ObjectAtKey


@dataclass(frozen=True)
class Replaced:
    """An object as it was before a write at its key: the upload that made it, when it was written, and which version
    it was; None in a bucket without versions."""

    upload: Upload
    timestamp: Timestamp
    version: 'str | None' = None


def applies_to(env: 'Mapping[str, Any]', free_replaced_parts: bool) -> bool:
    """Return whether a request, none that was handed on, is one that s3api makes to replace or delete an object.

    env: its environ, of which clients can set neither the source nor, in an S3 request, the query.
    """
    if env.get('swift.source') != 'S3' or env['PATH_INFO'].count('/') < 4:
        return False
    if env['REQUEST_METHOD'] == 'PUT':
        return free_replaced_parts
    # What s3api sends when it has seen that the object is a large one.
    return env['REQUEST_METHOD'] == 'DELETE' and 'multipart-manifest=delete' in env.get('QUERY_STRING', '')


def before(bucket: Bucket, key: str, request: Request) -> 'Replaced | None':
    """Look at what a request that this ``applies_to`` is about to replace or delete; return what ``after`` may free.

    Changes the query of a DELETE to take the manifest alone, where its parts shall stay or are ours to free. Does not
    raise.
    """
    if request.method == 'DELETE':
        return _take_over(bucket, key, request)
    if not bucket.settings.free_replaced_parts or _has_versions(bucket) or not _may_have_uploads(bucket):
        return None
    return _ours(bucket, key, _look(bucket, key, None), None)


def after(bucket: Bucket, replaced: 'Replaced | None', status: int) -> None:
    """Free the parts of what the request has replaced, or deleted, if its ``status`` says that it did."""
    # 202: something newer was there.
    if replaced is not None and status in (201, 204):
        free_behind(bucket, replaced)


def candidate(bucket: Bucket, key: str, found: ObjectAtKey) -> 'Replaced | None':
    """Return what a write at the key would replace, which is what was ``found`` there, if its parts may be freed."""
    if not bucket.settings.free_replaced_parts or _has_versions(bucket):
        return None
    return _ours(bucket, key, found, None)


def free_behind(bucket: Bucket, replaced: Replaced) -> None:
    """Free the parts of an object that was replaced, if nobody can need them, without keeping the client waiting."""
    def free() -> None:
        if _is_over(bucket, replaced.upload) and _is_gone(bucket, replaced):
            bucket.deletion.free(all_attempts(bucket, replaced.upload), bucket.ticks(), 0)

    behind(bucket.logger, 'parts of replaced objects of %s may be left' % bucket.name, free)


def _take_over(bucket: Bucket, key: str, request: Request) -> 'Replaced | None':
    # SLO would delete whatever the manifest lists, and then the manifest.
    version = request.params.get('version-id')
    replaced = None
    if bucket.settings.free_replaced_parts:
        found = _look(bucket, key, version)
        # Where the look has failed it may be a copied manifest: then parts are left behind. What is no large object any
        # more, since s3api has looked, SLO would refuse to delete.
        if found is not None and (found.is_large or found.is_link) and not (
                found.upload_id and is_upload_id(found.upload_id)):
            return None
        if version is not None or not _has_versions(bucket):
            replaced = _ours(bucket, key, found, version)
    request.params = {name: value for name, value in request.params.items()
                      if name not in ('multipart-manifest', 'async')}
    return replaced


def _may_have_uploads(bucket: Bucket) -> bool:
    """Return whether the bucket may have a container for uploads. Small objects of a bucket without one cost nothing.
    """
    if not is_success(bucket.info['status']):
        return False
    known = bucket.with_uploads.recall(bucket.account, bucket.name)
    if known is None and bucket.with_uploads.works:
        # For the next one, who does not wait for it either.
        behind(bucket.logger, 'whether %s has uploads is not known' % bucket.name, lambda: bucket.with_uploads.remember(
            bucket.account, bucket.name, bucket.segments.exist()))
    return known is not False


def _look(bucket: Bucket, key: str, version: 'str | None') -> 'ObjectAtKey | None':
    try:
        # Any replica will do: what it says is judged later.
        return bucket.objects.at_key(key, version, newest=False)
    except (S3Error, Timeout) as error:
        bucket.logger.warning('no look at what is replaced: %s', error)
        return None


def _ours(bucket: Bucket, key: str, found: 'ObjectAtKey | None', version: 'str | None') -> 'Replaced | None':
    """Return what to free of an object; None unless its upload is one of this very account, bucket and key.

    The object may be a copy of a manifest whose parts belong to another object.
    """
    if found is None or found.upload_id is None or not bucket.made_id(key, found.upload_id):
        return None
    return Replaced(Upload(bucket.account, bucket.name, key, found.upload_id), found.timestamp, version)


def _is_over(bucket: Bucket, upload: Upload) -> bool:
    """Return whether no Complete of an upload that was completed can write a manifest again, but the same one."""
    if bucket.records.marker(upload) is not None:
        return False
    # After the marker: whoever passed while there was one had written an intent before.
    intent = bucket.records.intent(upload)
    return intent is None or not intent.is_fresh(bucket.now())


def _is_gone(bucket: Bucket, replaced: Replaced) -> bool:
    """Return whether neither the key nor a version of it has the object, for good."""
    if replaced.version is not None and _has_versions(bucket):
        return _is_no_version(bucket, replaced)
    # Newer: so the same manifest, written again by a Complete that repeats, changes nothing.
    found = bucket.objects.at_key(replaced.upload.key)
    if found.upload_id == replaced.upload.id or found.timestamp <= replaced.timestamp:
        return False
    # After that look: somebody may have begun to keep versions, with this object as the first.
    return not _keeps_versions(bucket.objects.bucket_sysmeta())


def _is_no_version(bucket: Bucket, replaced: Replaced) -> bool:
    """Return whether no version has the object that was deleted.

    Two Completes that overlapped may have left two over the same parts, and so may the end of an object's life
    without versions; but their times are those of the writes, which the lease keeps close together.
    """
    key, written = replaced.upload.key, replaced.timestamp
    if replaced.version not in (None, 'null'):
        written = Timestamp(replaced.version)
    near = bucket.objects.versions(key, written, 2 * LEASE_SECONDS)
    return near is not None and all(bucket.objects.at_key(key, version).upload_id != replaced.upload.id
                                    for version in {*near, replaced.version, 'null'})


def _has_versions(bucket: Bucket) -> bool:
    return _keeps_versions(bucket.info.get('sysmeta') or {})


def _keeps_versions(sysmeta: 'dict[str, str]') -> bool:
    """Return whether the bucket keeps, or once kept, what is overwritten: in either of the ways that Swift has."""
    return 'versions-location' in sysmeta or is_versioned({'sysmeta': sysmeta})
