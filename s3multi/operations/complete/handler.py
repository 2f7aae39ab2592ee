# SPDX-License-Identifier: Apache-2.0
"""Complete: prove the listed parts (``prove``), then make them one object (``conclude``).

https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
"""
import base64
from collections.abc import Callable

from eventlet import Timeout
from swift.common.utils import Timestamp

from s3multi.operations.complete import heartbeat
from s3multi.operations.complete.commit import Conclusion
from s3multi.operations.complete.precondition import Guard
from s3multi.operations.complete.proof import Proof, prove
from s3multi.operations.replaced_objects import Replaced, candidate, free_behind
from s3multi.operations.request import Call, Reply
from s3multi.operations.session import Session
from s3multi.s3 import checksum_rules, request_headers
from s3multi.s3.checksums import ObjectDigests
from s3multi.s3.conditions import Compare, read_condition
from s3multi.s3.documents import MAX_COMPLETE_BYTES, document, read_complete
from s3multi.s3.errors import (BadDigest, EntityTooLarge, IncompleteBody, InternalError, InvalidPart,
                               MaxMessageLengthExceeded, S3Error, ServiceUnavailable)
from s3multi.s3.etags import is_md5, md5, multipart_etag
from s3multi.s3.parts import PartRef, check_order, check_sizes
from s3multi.upload.names import Upload
from s3multi.upload.records import MOST_AHEAD_SECONDS, Standing, name_choice

# So many deletions take about as long as the Complete itself. A client waits for its object, not for these.
_FREED_BEFORE_ANSWER = 5


def run(session: Session) -> Reply:
    """Answer CompleteMultipartUploadResult; with white space in front when Swift takes long.

    Whatever the list can be refused for is answered with its own status, before anything is written.
    """
    upload = session.upload()
    request_headers.refuse_unsupported('complete', session.call.headers)
    guard = Guard(session, upload, read_condition(session.call.headers))
    announced = checksum_rules.read_announced(session.call.headers)
    listed = _read_list(session, upload)
    etag = multipart_etag(ref.etag for ref in listed)
    look = _begin_look(session, upload, guard)
    proof = prove(session, upload, listed)
    if proof is None:
        earlier = Conclusion(session, upload, ObjectDigests(etag), None, guard).of_earlier_complete()
        return _reply(session.call, ObjectDigests(etag, earlier.checksum), earlier.version_id)
    check_sizes(proof.chosen, session.settings.min_segment_size, session.call.headers.get('x-amz-mp-object-size'))
    checksum_rules.check_type(proof.checksum, session.call.headers)
    digests = ObjectDigests(etag, checksum_rules.check_list(proof.checksum, listed, proof.chosen, announced, upload.id))
    _check_quota(session, upload, proof, etag)
    guard.check()
    worker = session.spawn(lambda: _finish(session, upload, proof, digests, guard, look))
    return heartbeat.answer(worker, session.settings.heartbeat_interval)


def _read_list(session: Session, upload: Upload) -> 'list[PartRef]':
    call = session.call
    body = _read_body(call)
    if call.content_md5 and bytes.fromhex(call.content_md5) != md5(body):
        raise BadDigest(call.headers['content-md5'].strip(), base64.b64encode(md5(body)).decode('ascii'))
    listed = read_complete(body)
    check_order(listed, upload.id, session.settings.max_upload_part_num)
    for ref in listed:
        if not is_md5(ref.etag):
            raise InvalidPart(upload.id, ref.number, ref.sent)
    return listed


def _read_body(call: Call) -> bytes:
    if call.content_length is not None and call.content_length > MAX_COMPLETE_BYTES:
        raise MaxMessageLengthExceeded(MAX_COMPLETE_BYTES)
    chunks = []
    left = MAX_COMPLETE_BYTES + 1
    while left > 0:
        chunk = call.body.read(left)
        if not chunk:
            break
        chunks.append(chunk)
        left -= len(chunk)
    body = b''.join(chunks)
    if len(body) > MAX_COMPLETE_BYTES:
        raise MaxMessageLengthExceeded(MAX_COMPLETE_BYTES)
    if call.content_length is not None and len(body) < call.content_length:
        raise IncompleteBody(call.content_length, len(body))
    return body


def _check_quota(session: Session, upload: Upload, proof: Proof, etag: str) -> None:
    try:
        session.check_object_quota(upload, sum(part.size for part in proof.chosen))
    except EntityTooLarge:
        # An object that is there already is counted already: an earlier Complete has only not come to its end.
        finished = session.records.finished(upload.key)
        if (finished.upload_id, finished.etag) != (upload.id, etag):
            raise


def _begin_look(session: Session, upload: Upload, guard: Guard) -> 'Callable[[], Standing]':
    """Return what tells what is at the key, having begun to ask, unless Swift compares. Then that may be known soon."""
    def ask() -> 'Standing | S3Error':
        try:
            return session.records.standing(upload.key)
        except S3Error as error:
            # For the one who waits. A Complete that is refused does not.
            return error

    # The client need not wait for it after the listing.
    answer = ask if guard.compare is Compare.SWIFT else session.spawn(ask).wait

    def look() -> Standing:
        standing: Standing | S3Error = answer()
        if isinstance(standing, S3Error):
            raise standing
        return standing

    return look


def _look_at_key(session: Session, upload: Upload, guard: Guard,
                 look: 'Callable[[], Standing]') -> 'tuple[Replaced | None, Timestamp]':
    """Return what the object will replace, if its parts are to be freed then, and when that was written or deleted.

    Raises ServiceUnavailable when it was written so far ahead of this proxy's clock that the object cannot be newer.
    """
    if guard.compare is Compare.SWIFT and guard.seen is not None:
        # Nothing is replaced where there may be nothing, and its deletion has been seen.
        replaced, written, own = None, guard.seen, False
    else:
        standing = look()
        replaced, written, own = candidate(session, standing), standing.timestamp, standing.upload_id == upload.id
    ahead = float(written) - float(session.now())
    if ahead > MOST_AHEAD_SECONDS and not own:
        session.logger.warning(
            'Complete of upload %s has to be repeated: what is at its key, or was deleted there, has a time %.0f '
            'seconds ahead of this proxy', upload.id, ahead)
        raise ServiceUnavailable()
    return replaced, written


def _finish(session: Session, upload: Upload, proof: Proof, digests: ObjectDigests, guard: Guard,
            look: 'Callable[[], Standing]') -> Reply:
    """Write the object and return the reply, an error document included: the status may be gone by then."""
    try:
        replaced, written = _look_at_key(session, upload, guard, look)
        choice = name_choice(digests.etag, (part.name for part in proof.chosen))
        conclusion = Conclusion(session, upload, digests, choice, guard, written)
        version_id = conclusion.reach(proof.chosen)
        if conclusion.may_free:
            _free_others(session, upload, proof)
        if replaced is not None and replaced.upload != upload:
            free_behind(session, replaced)
        return _reply(session.call, digests, version_id)
    except S3Error as error:
        return Reply.error(error, session.call.trans_id)
    except (Exception, Timeout):
        # Time-outs of eventlet are no Exceptions.
        session.logger.exception('the Complete of upload %s failed', upload.id)
        return Reply.error(InternalError(), session.call.trans_id)


def _free_others(session: Session, upload: Upload, proof: Proof) -> None:
    try:
        session.store.free(proof.others, session.ticks(), _FREED_BEFORE_ANSWER)
    except S3Error as error:
        # The object is there: what is left over costs space, not correctness.
        session.logger.warning('not all unlisted parts of upload %s could be deleted: %s', upload.id, error)


def _reply(call: Call, digests: ObjectDigests, version_id: 'str | None') -> Reply:
    body = document('CompleteMultipartUploadResult', [
        ('Location', call.location), ('Bucket', call.bucket), ('Key', call.object_key()),
        ('ETag', '"%s"' % digests.etag), *(digests.checksum.elements if digests.checksum else [])])
    return Reply.xml(body, {'x-amz-version-id': version_id} if version_id else None)
