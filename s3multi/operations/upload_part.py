# SPDX-License-Identifier: Apache-2.0
"""Upload Part: stream the body into an object whose name was never used before.

A row of the listing, once written, then stays true for ever, and no PUT that ends late can change a part under a
finished object: Complete relies on both (``s3.parts``).

https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html
"""
from swift.common import constraints
from swift.common.swob import Response

from s3multi.operations import containers
from s3multi.operations.bucket import Bucket
from s3multi.operations.ending import ask_open, reader, require_open
from s3multi.operations.request import Call, Reply
from s3multi.s3 import checksum_rules, request_headers
from s3multi.s3.checksums import ChecksumChoice
from s3multi.s3.errors import (BadDigest, EntityTooLarge, IncompleteBody, InvalidArgument, MissingContentLength,
                               NoSuchUpload, RequestTimeout, S3Error, ServiceUnavailable)
from s3multi.s3.etags import is_md5
from s3multi.s3.parts import MAX_PART_BYTES, Attempt, parse_part_number
from s3multi.storage.answers import failure
from s3multi.storage.concurrency import Later
from s3multi.storage.part_body import PartBody
from s3multi.upload.decisions import Step, View, follow, open_step
from s3multi.upload.layouts import choice_of
from s3multi.upload.names import Upload, attempt_ticks, new_attempt
from s3multi.upload.records import UploadMarker


def run(bucket: Bucket, call: Call) -> Reply:
    """Answer with the ETag of the part after Swift has stored it, and with its checksum if the client has sent one."""
    upload, number = read_target(bucket, call, 'upload_part')
    request_headers.refuse_metadata(call.headers)
    length = call.content_length
    if length is None:
        raise MissingContentLength()
    largest = min(MAX_PART_BYTES, constraints.MAX_FILE_SIZE)
    if length > largest:
        raise EntityTooLarge(length, largest)
    sent = call.trailer or checksum_rules.read_sent(call.headers)
    with ask_open(bucket, upload) as marker:
        choice = choice_at(upload, marker)
        checksum_rules.check_part(choice, sent.algorithm if sent else None)
        # Of three replicas the newest marker takes longer than the PUT. An upload that the cache notes as open is one,
        # mostly, so Swift gets the bytes meanwhile. What is not noted, such as an upload that is over, gets none.
        noted = bucket.upload_hints.is_open(upload)
        body = PartBody(call.body, length, sent, call.verified, choice.algorithm if choice else None,
                        bucket.cluster.encrypted, marker.check if noted else marker.result)
        if call.content_md5:
            body.headers['ETag'] = call.content_md5
        stored = store_attempt(bucket, call, upload, number, body, marker)
    answered = {body.checksum.header: body.checksum.value} if sent and body.checksum else {}
    return Reply(200, {'ETag': '"%s"' % stored.etag, **answered})


def read_target(bucket: Bucket, call: Call, operation: str) -> 'tuple[Upload, int]':
    """Return upload and part number of a request that writes a part. Raises the S3 error for what it may not carry.

    operation: its name in ``request_headers.REFUSED``.
    """
    if 'uploadId' not in call.params:
        raise InvalidArgument('uploadId', '', 'This operation does not accept a partNumber without an uploadId')
    if 'versionId' in call.params:
        raise InvalidArgument('versionId', call.params['versionId'],
                              'This operation does not accept a version-id.')
    number = parse_part_number(call.params.get('partNumber'), bucket.settings.max_upload_part_num)
    upload = bucket.upload(call.object_key(), call.upload_id)
    request_headers.refuse_unsupported(operation, call.headers)
    return upload, number


def choice_at(upload: Upload, marker: 'Later[UploadMarker]') -> 'ChecksumChoice | None':
    """Return the checksum that Initiate chose; None for none. Waits for the ``marker`` only if the id does not tell."""
    return choice_of(upload.id) if upload.is_apart else marker.result().checksum


def store_attempt(bucket: Bucket, call: Call, upload: Upload, number: int, body: PartBody,
                  marker: 'Later[UploadMarker]') -> Attempt:
    """Store a new attempt to upload part ``number``; return it, its size left out.

    marker: its answer is waited for. Raises NoSuchUpload if the upload is over, or ended meanwhile, EntityTooLarge if a
    quota has no room, BadDigest if the body is not the one that was announced, IncompleteBody or RequestTimeout if it
    broke off, and what ``body`` was refused for.
    """
    # Where the length is not known beforehand, this asks only whether there is any room left, as Swift does.
    bucket.check_part_quota(upload, int(body.headers.get('Content-Length', 0)))
    started_ticks = bucket.ticks()
    began_ticks = _later_than_before(bucket, upload, number, started_ticks)
    # A name of its own for each attempt. With one name for all, this PUT could replace a part after a Complete has
    # listed it.
    name = new_attempt(began_ticks)
    response = bucket.segments.put_part(upload, number, name, body.headers, body.environ)
    if body.error:
        raise body.error
    if response.status_int == 404:
        # The segments container is gone. Initiate does not make it as long as there is the one of the markers.
        require_open(bucket, upload)
        containers.create(bucket, upload.is_apart)
        raise ServiceUnavailable()
    # 202 is no success: something not older has this name, and the bytes were thrown away.
    if response.status_int != 201:
        raise _refusal(call, upload, number, response)
    etag = response.headers.get('Etag', '').strip('"')
    if not is_md5(etag):
        raise ServiceUnavailable()
    stored = Attempt(number, upload.part(number, name), attempt_ticks(name), etag, 0)
    try:
        marker.result()
    except NoSuchUpload:
        # The note was wrong, and shall mislead nobody else.
        bucket.upload_hints.forget(upload)
        _recheck(bucket, upload, stored)
        raise
    # The upload was open at the beginning of the PUT. After a long one it may have ended, and a part of an aborted
    # upload would take up space until a sweep.
    if bucket.ticks() - started_ticks > bucket.settings.marker_recheck_after * 100000:
        _recheck(bucket, upload, stored)
    # Where the row is late, a Complete finds the part by this hint. Only after the PUT: it must name what is stored.
    bucket.hints.remember(upload, number, name)
    return stored


def _later_than_before(bucket: Bucket, upload: Upload, number: int, now: int) -> int:
    """Return the time for a new attempt: ``now``, or just after the last attempt if that is not older.

    Times in units of 10 microseconds. The newest attempt is the part, so this one must be newer, even if the last one
    was taken by a proxy whose clock is ahead. The hint in memcache tells of that one, if it is there.
    """
    name = bucket.hints.recall(upload, [number]).get(number)
    found = upload.parse_part(name) if name else None
    if found is None or attempt_ticks(found[1]) < now:
        return now
    before = attempt_ticks(found[1])
    bucket.logger.info('the clock of this proxy is %.5f seconds behind that of the proxy which took part %d of upload '
                       '%s before', (before - now) / 100000, number, upload.id)
    return before + 1


def _recheck(bucket: Bucket, upload: Upload, stored: Attempt) -> None:
    """Raise NoSuchUpload if the upload has ended, or its Abort has begun, while the part was ``stored``."""
    step, _ = follow(View(upload.id), open_step, reader(bucket, upload))
    # Aborted for good: nobody lists the attempt, and the Abort may have listed the parts before this one was stored.
    if step is Step.ABORTED:
        try:
            bucket.deletion.free([stored], bucket.ticks())
        except S3Error as error:
            bucket.logger.warning('a part of the aborted upload %s may be left: %s', upload.id, error)
    # In all other cases the attempt stays. Without a marker the upload was completed, and its object may list this very
    # attempt: to complete it, a client needs only the MD5, not our answer. Under an undecided Abort it may still be.
    # The Abort finds it by this hint, should its row be late.
    if step is Step.SETTLE:
        bucket.hints.remember(upload, stored.number, stored.name.removeprefix(upload.before_part(stored.number)))
    if step is not Step.GO_ON:
        raise NoSuchUpload(upload.id)


def _refusal(call: Call, upload: Upload, number: int, response: Response) -> Exception:
    """Return the S3 error for Swift's answer to the PUT of a part that was not stored."""
    status = response.status_int
    if status == 422 and call.content_md5:
        return BadDigest(call.content_md5)
    if status == 408:
        return RequestTimeout()
    if status == 499:
        return IncompleteBody(call.content_length, None)
    if status == 411:
        return MissingContentLength()
    if status == 413:
        return EntityTooLarge(call.content_length, None, response.body.decode('utf-8', 'replace').strip())
    return failure('PUT', 'object', response)
