# SPDX-License-Identifier: Apache-2.0
"""Freeing the parts of an object that an S3 request has replaced or removed.

What is at the key is looked at before the write, and judged behind the answer to it: then the parts go to the queue of
the object expirer. Whatever fails, or is not certain, leaves parts behind and never takes one that is needed.
"""
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import eventlet
from swift.common.http import is_success
from swift.common.swob import Request
from swift.common.utils import Timestamp, cache_from_env

from s3multi.operations.session import Session, is_versioned
from s3multi.s3.errors import S3Error
from s3multi.storage.cache_hints import BucketsWithUploads
from s3multi.upload.names import Upload, is_upload_id
from s3multi.upload.records import LEASE_SECONDS, Standing


@dataclass(frozen=True)
class Replaced:
    """An object as it was before a write at its key: the upload that made it, when it was written, and which version
    it was; None in a bucket without versions."""

    upload: Upload
    timestamp: Timestamp
    version: 'str | None' = None


def concerns(env: 'Mapping[str, Any]', free_replaced_parts: bool) -> bool:
    """Say whether a request, none that was handed on, is one that s3api makes to replace or delete an object.

    env: its environ, of which clients can set neither the source nor, in an S3 request, the query.
    """
    if env.get('swift.source') != 'S3' or env['PATH_INFO'].count('/') < 4:
        return False
    if env['REQUEST_METHOD'] == 'PUT':
        return free_replaced_parts
    # What s3api sends when it has seen that the object is a large one.
    return env['REQUEST_METHOD'] == 'DELETE' and 'multipart-manifest=delete' in env.get('QUERY_STRING', '')


def before(session: Session, request: Request) -> 'Replaced | None':
    """Look at what a request that ``concerns`` us is about to replace or delete; return what ``after`` may free.

    Changes the query of a DELETE to take the manifest alone, where its parts shall stay or are ours to free.
    """
    if request.method == 'DELETE':
        return _take_over(session, request)
    return seen(session) if _may_have_uploads(session) else None


def after(session: Session, replaced: 'Replaced | None', status: int) -> None:
    """Free the parts of what the request has replaced, or deleted, if its ``status`` says that it did."""
    # 202: something newer was there.
    if replaced is not None and status in (201, 204):
        free_behind(session, replaced)


def seen(session: Session) -> 'Replaced | None':
    """Return what a write at the key would replace, if its parts may be freed then. Does not raise."""
    if not session.settings.free_replaced_parts or session.call.key is None or _has_versions(session):
        return None
    return _ours(session, _look(session, None), None)


def candidate(session: Session, standing: Standing) -> 'Replaced | None':
    """Return what a write at the key would replace, which is what is ``standing`` there, if its parts may be freed."""
    if not session.settings.free_replaced_parts or _has_versions(session):
        return None
    return _ours(session, standing, None)


def free_behind(session: Session, replaced: Replaced) -> None:
    """Free the parts of an object that was replaced, if nobody can need them, without keeping the client waiting."""
    def free() -> None:
        if _is_over(session, replaced.upload) and _is_gone(session, replaced):
            session.store.free(session.store.attempts(replaced.upload), session.ticks(), 0)

    _behind(session, free)


def _behind(session: Session, task: Callable[[], None]) -> None:
    """Run ``task`` while, and after, the client is answered."""
    def run() -> None:
        try:
            task()
        except (Exception, eventlet.Timeout) as error:
            # Time-outs of eventlet are no Exceptions.
            session.logger.warning('parts of replaced objects of %s may be left: %r', session.call.bucket, error)

    session.spawn(run)


def _take_over(session: Session, request: Request) -> 'Replaced | None':
    # SLO would delete whatever the manifest lists, and then the manifest.
    version = request.params.get('version-id')
    replaced = None
    if session.settings.free_replaced_parts:
        standing = _look(session, version)
        # Where the look has failed it may be a copied manifest: then parts are left behind. What is no large object any
        # more, since s3api has looked, SLO would refuse to delete.
        if standing is not None and standing.for_slo and not (
                standing.upload_id and is_upload_id(standing.upload_id)):
            return None
        if version is not None or not _has_versions(session):
            replaced = _ours(session, standing, version)
    request.params = {name: value for name, value in request.params.items()
                      if name not in ('multipart-manifest', 'async')}
    return replaced


def _may_have_uploads(session: Session) -> bool:
    """Say whether the bucket may have a container for uploads. Small objects of a bucket without one cost nothing."""
    if not is_success(session.bucket_info['status']):
        return False
    call, hints = session.call, BucketsWithUploads(cache_from_env(session.call.env))
    known = hints.recall(call.account, call.bucket)
    if known is None and hints.works:
        # For the next one, who does not wait for it either.
        _behind(session, lambda: hints.remember(call.account, call.bucket, session.store.has_container()))
    return known is not False


def _look(session: Session, version: 'str | None') -> 'Standing | None':
    try:
        # Any replica will do: what it says is judged later.
        return session.records.standing(session.call.object_key(), version, newest=False)
    except (S3Error, eventlet.Timeout) as error:
        session.logger.warning('no look at what is replaced: %s', error)
        return None


def _ours(session: Session, standing: 'Standing | None', version: 'str | None') -> 'Replaced | None':
    """Return what to free of ``standing``; None unless its upload is one of this very account, bucket and key.

    The object may be a copy of a manifest whose parts belong to another object.
    """
    call = session.call
    place = call.account, call.bucket, call.object_key()
    if standing is None or standing.upload_id is None or not session.ids.belongs(*place, standing.upload_id):
        return None
    return Replaced(Upload(*place, standing.upload_id), standing.timestamp, version)


def _is_over(session: Session, upload: Upload) -> bool:
    """Say whether no Complete of an upload that was completed can write a manifest again, but the same one."""
    if session.records.marker(upload) is not None:
        return False
    # After the marker: whoever passed while there was one had written an intent before.
    intent = session.records.intent(upload)
    return intent is None or not intent.is_fresh(session.now())


def _is_gone(session: Session, replaced: Replaced) -> bool:
    """Say whether neither the key nor a version of it has the object, for good."""
    if replaced.version is not None and _has_versions(session):
        return _is_no_version(session, replaced)
    # Newer: so the same manifest, written again by a Complete that repeats, changes nothing.
    standing = session.records.standing(replaced.upload.key)
    if standing.upload_id == replaced.upload.id or standing.timestamp <= replaced.timestamp:
        return False
    # After that look: somebody may have begun to keep versions, with this object as the first.
    return not _keeps_versions(session.records.bucket_sysmeta())


def _is_no_version(session: Session, replaced: Replaced) -> bool:
    """Say whether no version has the object that was deleted.

    Two Completes that overlapped may have left two over the same parts, and so may the end of an object's life
    without versions; but their times are those of the writes, which the lease keeps close together.
    """
    key, written = replaced.upload.key, replaced.timestamp
    if replaced.version not in (None, 'null'):
        written = Timestamp(replaced.version)
    near = session.records.versions(key, written, 2 * LEASE_SECONDS)
    return near is not None and all(session.records.standing(key, version).upload_id != replaced.upload.id
                                    for version in {*near, replaced.version, 'null'})


def _has_versions(session: Session) -> bool:
    return _keeps_versions(session.bucket_info.get('sysmeta') or {})


def _keeps_versions(sysmeta: 'dict[str, str]') -> bool:
    """Say whether the bucket keeps, or once kept, what is overwritten: in either of the ways that Swift has."""
    return 'versions-location' in sysmeta or is_versioned({'sysmeta': sysmeta})
