# SPDX-License-Identifier: Apache-2.0
"""``If-Range``, which Swift ignores: a client that resumes a download would join the halves of two objects.

https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5
"""
from collections.abc import Callable, Mapping
from typing import Any

from swift.common.middleware.s3api import s3response
from swift.common.swob import Response
from swift.common.utils import close_if_possible

from s3multi.s3.copy_source import seconds_of


def answer(req: Any, ask: 'Callable[[Any], Response]') -> Response:
    """Return the answer to a read: that to the range if the object is what ``If-Range`` names, else that to the whole.

    req: an ``S3Request``. ask: returns s3api's answer to it, or raises ``ErrorResponse``; asked twice for a whole.
    """
    validator = req.headers.get('If-Range')
    if validator is None or 'Range' not in req.headers or req.method not in ('GET', 'HEAD'):
        return ask(req)
    unsatisfied = None
    try:
        response = ask(req)
        # What it says of the object is of these very bytes, so nothing can come in between.
        if response.status_int != 206 or _names(validator, response.headers):
            return response
        close_if_possible(response.app_iter)
    except s3response.InvalidRange as error:
        unsatisfied = error
    del req.headers['Range']
    response = ask(req)
    if unsatisfied is not None and _names(validator, response.headers):
        close_if_possible(response.app_iter)
        raise unsatisfied
    return response


def _names(validator: str, headers: 'Mapping[str, str]') -> bool:
    """Return whether a validator, an ETag or a date, is that of the object with these headers."""
    etag = headers.get('ETag', '')
    # A weak one (``W/``) names no bytes. Some clients leave out the quotes.
    if validator in (etag, etag.strip('"')):
        return True
    date = seconds_of(validator)
    return date is not None and date == seconds_of(headers.get('Last-Modified', ''))
