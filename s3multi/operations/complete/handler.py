# SPDX-License-Identifier: Apache-2.0
"""Complete: prove the listed parts (``proof``), then make them one object (``commit``).

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
"""
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from swift.common.utils import Timestamp

from s3multi.operations.body import read_body
from s3multi.operations.bucket import Bucket
from s3multi.operations.complete import heartbeat
from s3multi.operations.complete.commit import Commit
from s3multi.operations.complete.earlier import repeated_object
from s3multi.operations.complete.early import Early
from s3multi.operations.complete.outcome import Committed
from s3multi.operations.complete.precondition import Precondition
from s3multi.operations.complete.proof import Proof, prove
from s3multi.operations.ending import open_marker
from s3multi.operations.replaced_objects import Replaced, candidate, free_behind
from s3multi.operations.request import Call, Reply
from s3multi.s3 import checksum_rules, request_headers
from s3multi.s3.checksums import ObjectDigests
from s3multi.s3.conditions import Compare, read_condition
from s3multi.s3.documents import MAX_COMPLETE_BYTES, document, read_complete
from s3multi.s3.errors import (BadDigest, EntityTooLarge, EntityTooSmall, InternalError, InvalidArgument, InvalidPart,
                               InvalidPartOrder, InvalidRequest, NoSuchUpload, S3Error, ServiceUnavailable)
from s3multi.s3.etags import is_md5, multipart_etag
from s3multi.s3.parts import PartRef, check_order, check_sizes
from s3multi.storage.concurrency import FAILURES, Later, spawn
from s3multi.storage.metrics import COMPLETES, COMPLETES_REFUSED
from s3multi.upload.names import Upload
from s3multi.upload.records import MOST_AHEAD_SECONDS, ObjectAtKey, list_name
from s3multi.upload.timestamps import just_after

# More deletions than this go to the object expirer.
_FREED_AT_ONCE = 5

Look = Callable[[], ObjectAtKey]


def run(bucket: Bucket, call: Call) -> Reply:
    """Answer CompleteMultipartUploadResult, with white space in front of it if Swift takes long.

    Every fault of the list is answered before anything is written, so a refused Complete leaves the upload as it was.
    """
    upload = bucket.upload(call.object_key(), call.upload_id)
    request_headers.refuse_unsupported('complete', call.headers)
    precondition = Precondition(bucket, call, upload, read_condition(call.headers))
    announced = checksum_rules.read_announced(call.headers)
    body = read_body(call, MAX_COMPLETE_BYTES)
    with _of_open(bucket, upload):
        listed = _read_list(bucket, body, upload)
    etag = multipart_etag(ref.etag for ref in listed)
    look = _begin_look(bucket, upload, precondition)
    # Asked for before the listing: what a client sends again while its Complete is under way does not count any more.
    noted = Later(bucket.logger, partial(bucket.upload_hints.is_open, upload))
    hints = Later(bucket.logger, partial(bucket.hints.recall, upload, [ref.number for ref in listed]))
    early = Early(bucket, upload, etag, listed, noted, hints, precondition.compare)

    def complete() -> Reply:
        proof = prove(bucket, upload, listed, noted, hints)
        if proof is None:
            earlier = repeated_object(bucket, upload, etag, None)
            bucket.metrics.count(COMPLETES, 'repeated')
            return _reply(call, ObjectDigests(etag, earlier.checksum), earlier.version_id, {'proof': 'object'})
        with _of_open(bucket, upload):
            check_sizes(proof.attempts, bucket.settings.min_segment_size, call.headers.get('x-amz-mp-object-size'))
            checksum_rules.check_type(proof.checksum, call.headers)
            digests = ObjectDigests(etag, checksum_rules.check_list(proof.checksum, listed, proof.attempts, announced,
                                                                    upload.id))
        _check_quota(bucket, upload, proof, etag)
        return _finish(bucket, call, upload, proof, digests, precondition, precondition.check(), look, early)

    # With the proof: of very many parts, or from slow container servers, that may take longer than clients are patient.
    worker = spawn(bucket.logger, partial(_guarded, bucket, call, upload, early, complete))
    return heartbeat.answer(worker, bucket.settings.heartbeat_interval)


def _guarded(bucket: Bucket, call: Call, upload: Upload, early: Early, complete: 'Callable[[], Reply]') -> Reply:
    """Return the reply of ``complete``. An error becomes a reply too, since the status may have been sent."""
    try:
        return complete()
    except S3Error as error:
        if isinstance(error, InternalError):
            bucket.logger.error('the Complete of upload %s failed: %s', upload.id, error)
        return Reply.error(error, call.trans_id)
    except FAILURES:
        bucket.logger.exception('the Complete of upload %s failed', upload.id)
        return Reply.error(InternalError(), call.trans_id)
    finally:
        early.abandon()


@contextmanager
def _of_open(bucket: Bucket, upload: Upload) -> Iterator[None]:
    """Judge the parts of an upload that is open; of one that has ended there are none, whatever is wrong with the list.

    Asks only where the list is refused. Raises NoSuchUpload then, or ServiceUnavailable while that is not certain.
    """
    try:
        yield
    except (BadDigest, EntityTooLarge, EntityTooSmall, InvalidArgument, InvalidPart, InvalidPartOrder, InvalidRequest):
        if open_marker(bucket, upload) is None:
            raise NoSuchUpload(upload.id) from None
        raise


def _read_list(bucket: Bucket, body: bytes, upload: Upload) -> 'list[PartRef]':
    listed = read_complete(body)
    check_order(listed, upload.id, bucket.settings.max_upload_part_num)
    for ref in listed:
        if not is_md5(ref.etag):
            raise InvalidPart(upload.id, ref.number, ref.sent)
    return listed


def _check_quota(bucket: Bucket, upload: Upload, proof: Proof, etag: str) -> None:
    """Raise EntityTooLarge if the quota of the bucket has no room for the object, which has this ``etag``."""
    try:
        bucket.check_object_quota(upload, sum(part.size for part in proof.attempts))
    except EntityTooLarge:
        # The object may be there already, and be counted: then an earlier Complete has only not come to its end.
        found = bucket.objects.shown(upload.key)
        if (found.upload_id, found.etag) != (upload.id, etag):
            raise


def _begin_look(bucket: Bucket, upload: Upload, precondition: Precondition) -> Look:
    """Return a function that returns what is at the key. Unless Swift compares, the HEAD is sent at once."""
    ask = partial(bucket.objects.to_replace, upload.key)
    # Sent at once, it runs beside the listing, and the client does not wait for it. Where Swift compares, the condition
    # is looked at first, and that mostly tells as much.
    return ask if precondition.compare is Compare.SWIFT else Later(bucket.logger, ask).result


def _look_at_key(bucket: Bucket, upload: Upload, precondition: Precondition, compared_time: 'Timestamp | None',
                 look: Look) -> 'tuple[Replaced | None, Timestamp]':
    """Return the object whose parts may be freed when it is replaced, and when what is at the key was written.

    compared_time: when the key was written or deleted, as the condition has found it; None if nothing was compared. The
    time that is returned is that of a deletion, too, if there is no object. Raises ServiceUnavailable if it is so far
    ahead of this proxy's clock that the object to be made cannot be newer.
    """
    if precondition.compare is Compare.SWIFT and compared_time is not None:
        # The condition was that there is no object, and the time of its deletion is known.
        replaced, key_changed_at, own = None, compared_time, False
    else:
        found = look()
        replaced, key_changed_at = candidate(bucket, upload.key, found), found.timestamp
        own = found.upload_id == upload.id
    ahead = float(key_changed_at) - float(bucket.now())
    if ahead > MOST_AHEAD_SECONDS and not own:
        bucket.logger.warning(
            'Complete of upload %s has to be repeated: what is at its key, or was deleted there, has a time %.0f '
            'seconds ahead of this proxy', upload.id, ahead)
        bucket.metrics.count(COMPLETES_REFUSED, 'clock')
        raise ServiceUnavailable()
    return replaced, key_changed_at


def _finish(bucket: Bucket, call: Call, upload: Upload, proof: Proof, digests: ObjectDigests,
            precondition: Precondition, compared_time: 'Timestamp | None', look: Look, early: Early) -> Reply:
    """Write the object and return the reply."""
    replaced, key_changed_at = _look_at_key(bucket, upload, precondition, compared_time, look)
    name = list_name(digests.etag, (part.name for part in proof.attempts))
    committed = Commit(bucket, upload, digests, name, precondition, key_changed_at, early).run(proof.attempts)
    bucket.upload_hints.forget(upload)
    bucket.behind('of upload %s records or unlisted parts may be left' % upload.id, partial(
        _tidy_up, bucket, upload, committed, proof))
    if replaced is not None and replaced.upload != upload:
        free_behind(bucket, replaced)
    return _reply(call, digests, committed.version_id, {
        'proof': bucket.settings.verify, 'parts': len(proof.attempts),
        'bytes': sum(part.size for part in proof.attempts)})


def _tidy_up(bucket: Bucket, upload: Upload, committed: Committed, proof: Proof) -> None:
    """Delete what nobody needs once the object is there. What is left takes up space, and the sweep deletes it."""
    if committed.marked_at is not None:
        bucket.records.delete_marker(upload, just_after(committed.marked_at))
    if committed.intent is not None:
        bucket.records.delete_intent(upload, committed.intent)
    if committed.may_free:
        bucket.deletion.free(proof.others, bucket.ticks(), _FREED_AT_ONCE)


def _reply(call: Call, digests: ObjectDigests, version_id: 'str | None', facts: 'dict[str, Any]') -> Reply:
    """Return the answer of a success. facts: what an auditor is told besides."""
    body = document('CompleteMultipartUploadResult', [
        ('Location', call.location), ('Bucket', call.bucket), ('Key', call.object_key()),
        ('ETag', '"%s"' % digests.etag), *(digests.checksum.elements if digests.checksum else [])])
    reply = Reply.xml(body, {'x-amz-version-id': version_id} if version_id else None)
    reply.facts = {'etag': digests.etag, **facts}
    if digests.checksum:
        reply.facts['checksum'] = '%s %s' % (digests.checksum.checksum.algorithm, digests.checksum.checksum.value)
    return reply
