# SPDX-License-Identifier: Apache-2.0
"""Lists of objects and versions with a key that XML cannot hold, of which s3api answers InternalError.

With encoding-type=url it can write every key, except that it never encodes the place where a page of versions ends.
"""
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from swift.common.middleware.s3api import s3response
from swift.common.middleware.s3api.etree import fromstring, tostring
from swift.common.swob import Response

from s3multi.s3.documents import readable

_ENCODED = ('Delimiter', 'Key', 'KeyMarker', 'Marker', 'NextMarker', 'Prefix', 'StartAfter')
# What the next page of objects begins after, where no token tells it.
_ENDS = ('./NextMarker', './Contents[last()]/Key')


def answer(req: Any, ask: 'Callable[[Any], Response]') -> Response:
    """Return the answer of s3api to a GET of a bucket. ask: has s3api answer ``req``.

    It is asked twice only for a page with such a key; the answer then has U+FFFD in place of what XML cannot hold.
    Raises InvalidArgument or S3NotImplemented if the next page would begin after such a key: a client that sends U+FFFD
    instead would miss keys.
    """
    try:
        return ask(req)
    except ValueError:
        if 'encoding-type' in req.params:
            raise _unreadable_end() from None
    req.params = {**req.params, 'encoding-type': 'url'}
    try:
        response = ask(req)
    except ValueError:
        raise _unreadable_end() from None
    response.body = _decoded(response.body)
    return response


def _unreadable_end() -> Exception:
    error: Exception = s3response.S3NotImplemented('A page of versions ends with a key that XML cannot hold.')
    return error


def _decoded(listing: bytes) -> bytes:
    root = fromstring(listing)
    ends = [unquote(element.text) for element in map(root.find, _ENDS) if element is not None]
    if (root.findtext('./IsTruncated') == 'true' and root.find('./NextContinuationToken') is None
            and ends and readable(ends[0]) != ends[0]):
        raise s3response.InvalidArgument('encoding-type', '', 'A page ends with a key that XML cannot hold. Ask for '
                                         'encoding-type=url.')
    root.remove(root.find('./EncodingType'))
    for element in root.iter(*_ENCODED):
        element.text = readable(unquote(element.text or ''))
    return tostring(root)
