# SPDX-License-Identifier: Apache-2.0
"""The rules of S3 for additional checksums: at Initiate, with a part, and in a Complete. No I/O.

Header names are in lower case. Error codes are those that Amazon S3 was observed to answer.
"""
import re
from collections.abc import Mapping, Sequence

from s3multi.s3 import checksums
from s3multi.s3.checksums import FULL_OBJECT, Checksum, ChecksumChoice, ObjectChecksum
from s3multi.s3.errors import BadDigest, InvalidPart, InvalidPartOrder, InvalidRequest, NotImplementedHeader
from s3multi.s3.parts import Attempt, PartRef

_COMPOSITE_SUFFIX = re.compile(r'-[0-9]{1,5}\Z')


# Initiate

def read_choice(headers: Mapping[str, str]) -> 'ChecksumChoice | None':
    """Return the algorithm and type that the headers of Initiate choose; None when they choose none.

    Raises InvalidRequest for an algorithm that S3 does not know, a type without an algorithm and a type that the
    algorithm does not allow; NotImplementedHeader for an algorithm of S3 that is not served.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateMultipartUpload.html
    """
    asked = headers.get('x-amz-checksum-algorithm')
    kind = headers.get('x-amz-checksum-type')
    if asked is None:
        if kind is not None:
            raise InvalidRequest('The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm '
                                 'header.')
        return None
    algorithm = asked.strip().lower()
    if algorithm in checksums.UNSERVED:
        raise NotImplementedHeader('x-amz-checksum-algorithm')
    types = checksums.TYPES.get(algorithm)
    if types is None:
        raise InvalidRequest('Checksum algorithm provided is unsupported. Please try again with any of the valid '
                             'types: [%s]' % ', '.join(name.upper() for name in checksums.ALGORITHMS))
    if kind is None:
        return ChecksumChoice(algorithm, types[0])
    if kind.strip().upper() not in types:
        raise InvalidRequest('The %s checksum type cannot be used with the %s checksum algorithm.' % (kind, algorithm))
    return ChecksumChoice(algorithm, kind.strip().upper())


# Upload Part

def read_sent(headers: Mapping[str, str]) -> 'Checksum | None':
    """Return the checksum of the body that the headers of Upload Part carry; None without one.

    Raises InvalidRequest for several checksums, an unknown algorithm, a value that is not base64 of the algorithm's
    length, and an x-amz-sdk-checksum-algorithm that comes without a checksum or does not match it.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_UploadPart.html
    """
    sent = _only_value(headers)
    announced = headers.get('x-amz-sdk-checksum-algorithm')
    # With a trailer the announced checksum comes behind the body.
    if announced and 'x-amz-trailer' not in headers:
        if sent is None:
            raise InvalidRequest('x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or '
                                 'x-amz-trailer headers were found.')
        if announced.lower() != sent.algorithm:
            raise InvalidRequest('Value for x-amz-sdk-checksum-algorithm header is invalid.')
    if sent is not None and not checksums.is_well_formed(sent):
        raise InvalidRequest('Value for %s header is invalid.' % sent.header)
    return sent


def check_part(choice: 'ChecksumChoice | None', algorithm: 'str | None') -> None:
    """Raise InvalidRequest unless a part may come with this checksum.

    choice: what Initiate chose; None allows everything. algorithm: that of the checksum which came with the part; None
    without one. A part may come without unless the object's checksum is composite: s3multi computes what is missing.
    """
    if choice is None or algorithm == choice.algorithm or algorithm is None and not choice.is_composite:
        return
    raise InvalidRequest('Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s'
                         % (choice.algorithm, algorithm or 'null'))


# Complete

def read_announced(headers: Mapping[str, str]) -> 'Checksum | None':
    """Return the checksum of the whole object that the headers of Complete announce; None without one.

    The number of parts may stand behind the value (``-N``). Raises InvalidRequest for several checksums, and for a
    malformed one.
    """
    announced = _only_value(headers)
    if announced and not checksums.is_well_formed(
            Checksum(announced.algorithm, _COMPOSITE_SUFFIX.sub('', announced.value))):
        raise InvalidRequest('Value for %s header is invalid.' % announced.header)
    return announced


def check_type(choice: 'ChecksumChoice | None', headers: Mapping[str, str]) -> None:
    """Raise InvalidRequest when the headers of a Complete name another checksum type than the upload has.

    choice: what Initiate chose, if anything; S3 counts an upload without a choice as FULL_OBJECT.
    """
    kind = headers.get('x-amz-checksum-type')
    expected = choice.type if choice else FULL_OBJECT
    if kind is not None and kind.strip().upper() != expected:
        raise InvalidRequest('The upload was created using the %s checksum mode. The complete request must use the '
                             'same checksum mode.' % expected)


def check_list(choice: 'ChecksumChoice | None', listed: Sequence[PartRef], chosen: Sequence[Attempt],
               announced: 'Checksum | None', upload_id: str) -> 'ObjectChecksum | None':
    """Compare the checksums in a Complete with those of the stored parts; return the checksum of the object.

    choice: what Initiate chose, if anything. listed: the parts that the client lists. chosen: the attempt that each of
    them is, in the same order. announced: what ``read_announced`` returned; not compared without a choice. Returns
    None when Initiate chose nothing, unless every part happens to have a checksum of the default algorithm.

    Raises InvalidPart when a stored part has no checksum or not the listed one, and when the list has checksums
    although Initiate chose none; InvalidPartOrder when the parts of a composite checksum are not numbered 1, 2, 3 and
    so on; InvalidRequest when the list lacks a checksum that a composite one needs, and for ``-N`` behind a full-object
    checksum; BadDigest when a checksum is of another algorithm, and when the object's is not the announced one.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
    """
    if choice is None:
        for ref in listed:
            if ref.checksums:
                raise InvalidPart(upload_id, ref.number, ref.sent)
        return _default_checksum(chosen)
    if choice.is_composite and [ref.number for ref in listed] != list(range(1, len(listed) + 1)):
        # The finished object does not show its part numbers. With gaps nobody could tell which parts the checksum
        # covers.
        raise InvalidPartOrder(upload_id)
    _check_algorithms(choice, listed)
    name = checksums.element(choice.algorithm)
    if choice.is_composite and announced:
        # Before the parts are compared: when the list does not give the announced checksum, S3 says so, and does not
        # name the part that is wrong.
        _compare(choice, announced, checksums.composite(
            choice.algorithm, (checksums.decode(choice.algorithm, ref.checksums[0][1]) for ref in listed)))
    for ref, attempt in zip(listed, chosen):
        if name not in attempt.checksums or ref.checksums and ref.checksums[0][1] != attempt.checksums[name]:
            raise InvalidPart(upload_id, ref.number, ref.sent)
    found = _of_parts(choice, chosen)
    if announced:
        _compare(choice, announced, found.checksum)
    return found


def _default_checksum(chosen: Sequence[Attempt]) -> 'ObjectChecksum | None':
    # S3 computes this checksum where Initiate chose none. Here it is known only if every part came with one.
    default = ChecksumChoice(checksums.DEFAULT_ALGORITHM, FULL_OBJECT)
    if all(checksums.element(default.algorithm) in attempt.checksums for attempt in chosen):
        return _of_parts(default, chosen)
    return None


def _check_algorithms(choice: ChecksumChoice, listed: Sequence[PartRef]) -> None:
    name = checksums.element(choice.algorithm)
    for ref in listed:
        if not ref.checksums and choice.is_composite:
            raise InvalidRequest('The upload was created using a %s checksum. The complete request must include the '
                                 'checksum for each part. It was missing for part %d in the request.'
                                 % (choice.algorithm, ref.number))
        if ref.checksums and ref.checksums[0][0] != name:
            raise BadDigest(message='The %s you specified for part %d did not match what we received.'
                                    % (ref.checksums[0][0], ref.number))


def _of_parts(choice: ChecksumChoice, chosen: Sequence[Attempt]) -> ObjectChecksum:
    name = checksums.element(choice.algorithm)
    values = [checksums.decode(choice.algorithm, attempt.checksums[name]) for attempt in chosen]
    if choice.is_composite:
        whole = checksums.composite(choice.algorithm, values)
    else:
        whole = checksums.combine(choice.algorithm, zip(values, (attempt.size for attempt in chosen)))
    return ObjectChecksum(whole, choice.type, _part_bytes(chosen))


def _part_bytes(chosen: Sequence[Attempt]) -> 'int | None':
    """Return what ``ObjectChecksum.part_bytes`` says of these parts."""
    if [attempt.number for attempt in chosen] != list(range(1, len(chosen) + 1)):
        return None
    size = chosen[0].size
    alike = all(attempt.size == size for attempt in chosen[:-1]) and chosen[-1].size <= size
    return size if alike else 0


def _compare(choice: ChecksumChoice, announced: Checksum, found: Checksum) -> None:
    """Compare the announced checksum with the one found. A composite one may come without the number of parts (``-N``).

    Raises BadDigest when they differ, InvalidRequest for a number of parts behind a full-object checksum.
    """
    has_suffix = _COMPOSITE_SUFFIX.search(announced.value) is not None
    if has_suffix and not choice.is_composite:
        raise InvalidRequest('Value for %s header is invalid.' % announced.header)
    value = found.value if has_suffix else _COMPOSITE_SUFFIX.sub('', found.value)
    if (announced.algorithm, announced.value) != (found.algorithm, value):
        raise BadDigest(message='The %s you specified did not match the calculated checksum.'
                                % announced.algorithm.upper())


# Both

def _only_value(headers: Mapping[str, str]) -> 'Checksum | None':
    """Return the checksum among ``headers``; None without one. Raises InvalidRequest for several or an unknown one."""
    values = checksums.values_in(headers)
    if any(algorithm not in checksums.ALGORITHMS for algorithm in values):
        raise InvalidRequest('The algorithm type you specified in x-amz-checksum- header is invalid.')
    if len(values) > 1:
        raise InvalidRequest('Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.')
    return Checksum(*next(iter(values.items()))) if values else None
