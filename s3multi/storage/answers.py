# SPDX-License-Identifier: Apache-2.0
"""What an answer of Swift tells: of which time it is, whether the newest replica gave it, and the S3 error it means."""
from collections.abc import Callable

from swift.common.swob import HTTPServiceUnavailable, Response
from swift.common.utils import Timestamp, drain_and_close

from s3multi.s3.errors import EntityTooLarge, InternalError, ServiceUnavailable, SlowDown
from s3multi.upload.timestamps import read_timestamp

# How often the newest replica is looked for where some have an object and others its tombstone.
_MOST_LOOKS = 5


def timestamp_of(response: Response) -> Timestamp:
    """Return when the object that a HEAD asked for was written or deleted; 0 if Swift does not tell."""
    return read_timestamp(response.headers.get('X-Backend-Timestamp') or response.headers.get('X-Timestamp'))


def is_of_a_replica(response: Response) -> bool:
    """Return whether the answer to a HEAD with X-Newest is that of the newest replica.

    Swift leaves out every replica that is older than a tombstone it has met. If none is left, it answers by majority;
    and a replica that answered before the tombstone is counted, one that does not answer at all is not. So it may say
    that there is what most replicas have deleted (``get_working_response`` and ``best_response`` in
    ``swift/proxy/controllers/base.py``). Only the answer of a replica that was chosen says that ranges are accepted.
    """
    return not response.is_success or 'Accept-Ranges' in response.headers


def of_a_replica(ask: 'Callable[[int], Response]', newest: bool) -> Response:
    """Return the answer of the newest replica; 503 if it is not known after five looks what that would be.

    ask: looks for it; takes the number of the look, from 0 on. newest: False if any answer will do.

    A first 503 is not believed. An object server answers so if the file that it is about to read is replaced under it
    (``DiskFileStateChanged`` in ``swift/obj/server.py``), as that of a marker is while an upload ends.
    """
    response, look = ask(0), 0
    if newest and response.status_int == 503:
        drain_and_close(response)
        response = ask(0)
    while newest and not is_of_a_replica(response):
        drain_and_close(response)
        look += 1
        if look == _MOST_LOOKS:
            return HTTPServiceUnavailable()
        response = ask(look)
    return response


def failure(method: str, thing: str, response: Response) -> Exception:
    """Return the S3 error for an answer of Swift that the operation does not expect.

    thing: what was asked for, in a word.
    """
    if response.status_int == 413:
        return EntityTooLarge(None, None, response.body.decode('utf-8', 'replace').strip())
    if response.status_int in (429, 498):
        return SlowDown()
    if response.status_int in (409, 503, 504, 507):
        return ServiceUnavailable()
    return InternalError('%s of %s answered %d' % (method, thing, response.status_int))
