# SPDX-License-Identifier: Apache-2.0
"""What S3 demands of additional checksums: at Initiate, with a part, and in a Complete. No I/O.

Header names are in lower case. The codes are those that Amazon S3 was seen to answer.
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
    """Return the algorithm and type that Initiate asks for; None when it asks for none.

    Raises InvalidRequest for what S3 does not know or does not allow together, NotImplementedHeader for algorithms of
    S3 that are not served.
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
    """Return the checksum of the body in the headers of Upload Part; None without one.

    Raises InvalidRequest for several, one of an unknown algorithm, one that is no base64 of the right length, or
    another than the client's SDK announces.
    """
    sent = _only_value(headers)
    announced = headers.get('x-amz-sdk-checksum-algorithm')
    if announced and 'x-amz-trailer' not in headers:
        if sent is None:
            raise InvalidRequest('x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or '
                                 'x-amz-trailer headers were found.')
        if announced.lower() != sent.algorithm:
            raise InvalidRequest('Value for x-amz-sdk-checksum-algorithm header is invalid.')
    if sent is not None and not _is_well_formed(sent):
        raise InvalidRequest('Value for %s header is invalid.' % sent.header)
    return sent


def check_part(choice: 'ChecksumChoice | None', algorithm: 'str | None') -> None:
    """Hold a part, sent with a checksum of ``algorithm`` or None, to what Initiate chose. Raises InvalidRequest."""
    if choice is None or algorithm == choice.algorithm or algorithm is None and not choice.is_composite:
        return
    raise InvalidRequest('Checksum Type mismatch occurred, expected checksum Type: %s, actual checksum Type: %s'
                         % (choice.algorithm, algorithm or 'null'))


# Complete

def read_announced(headers: Mapping[str, str]) -> 'Checksum | None':
    """Return the checksum of the whole object that the headers of Complete announce, perhaps with ``-N`` behind it.

    Raises InvalidRequest for several, or one that is malformed.
    """
    announced = _only_value(headers)
    if announced and not _is_well_formed(Checksum(announced.algorithm, _COMPOSITE_SUFFIX.sub('', announced.value))):
        raise InvalidRequest('Value for %s header is invalid.' % announced.header)
    return announced


def check_type(choice: 'ChecksumChoice | None', headers: Mapping[str, str]) -> None:
    """Raise InvalidRequest when a Complete names another checksum type than the upload has."""
    kind = headers.get('x-amz-checksum-type')
    expected = choice.type if choice else FULL_OBJECT
    if kind is not None and kind.strip().upper() != expected:
        raise InvalidRequest('The upload was created using the %s checksum mode. The complete request must use the '
                             'same checksum mode.' % expected)


def check_list(choice: 'ChecksumChoice | None', listed: Sequence[PartRef], chosen: Sequence[Attempt],
               announced: 'Checksum | None', upload_id: str) -> 'ObjectChecksum | None':
    """Compare what a Complete tells of checksums with those of the parts; return the checksum of the object.

    listed, chosen: what the client lists, and the attempt that each is, in order. announced: as ``read_announced``
    returns it. None when the upload has no checksum. Raises InvalidPart, InvalidPartOrder, InvalidRequest or BadDigest.
    """
    if choice is None:
        for ref in listed:
            if ref.checksums:
                raise InvalidPart(upload_id, ref.number, ref.sent)
        return _default_checksum(chosen)
    if choice.is_composite and [ref.number for ref in listed] != list(range(1, len(listed) + 1)):
        # What a checksum of the parts' checksums covers would depend on numbers that nobody sees any more.
        raise InvalidPartOrder(upload_id)
    _check_algorithms(choice, listed)
    name = checksums.element(choice.algorithm)
    if choice.is_composite and announced:
        # Before the parts: S3 tells of a list that is not what the client announces, and not of its parts.
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
    # S3 computes this one where none was asked for. It is known here if every part happened to come with its own.
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
    if [attempt.number for attempt in chosen] != list(range(1, len(chosen) + 1)):
        return None
    size = chosen[0].size
    alike = all(attempt.size == size for attempt in chosen[:-1]) and chosen[-1].size <= size
    return size if alike else 0


def _compare(choice: ChecksumChoice, announced: Checksum, found: Checksum) -> None:
    """Compare what the client announces, of a composite checksum with or without the number of parts."""
    has_suffix = _COMPOSITE_SUFFIX.search(announced.value) is not None
    if has_suffix and not choice.is_composite:
        raise InvalidRequest('Value for %s header is invalid.' % announced.header)
    value = found.value if has_suffix else _COMPOSITE_SUFFIX.sub('', found.value)
    if (announced.algorithm, announced.value) != (found.algorithm, value):
        raise BadDigest(message='The %s you specified did not match the calculated checksum.'
                                % announced.algorithm.upper())


# Both

def _only_value(headers: Mapping[str, str]) -> 'Checksum | None':
    values = checksums.values_in(headers)
    if any(algorithm not in checksums.ALGORITHMS for algorithm in values):
        raise InvalidRequest('The algorithm type you specified in x-amz-checksum- header is invalid.')
    if len(values) > 1:
        raise InvalidRequest('Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.')
    return Checksum(*next(iter(values.items()))) if values else None


def _is_well_formed(checksum: Checksum) -> bool:
    try:
        checksums.decode(checksum.algorithm, checksum.value)
    except ValueError:
        return False
    return True
