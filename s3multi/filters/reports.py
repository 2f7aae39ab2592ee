# SPDX-License-Identifier: Apache-2.0
"""What is told of an operation when it has ended: a metric, and for what ends an upload a line in the log.

Operators read both on the page "Metrics and logs".
"""
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import simplejson as json

from s3multi.operations.bucket import Bucket, Cluster
from s3multi.operations.request import Call, Reply
from s3multi.upload.names import segments_container

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

# An auditor wants to know of these who did what to which upload.
_AUDITED = ('AbortMultipartUpload', 'CompleteMultipartUpload')
# Swift's own status for a client that hung up, in its logs and metrics.
_HUNG_UP = 499


def policy_header(bucket: Bucket, call: Call) -> 'dict[str, str]':
    """Return the header by which proxy-logging counts a request among those of a storage policy, as with stock s3api.

    No client sees it. A part counts where parts are stored, everything else where the bucket is.
    """
    if call.key is None:
        return {}
    # Not asked for again: Swift has looked it up for the PUT of the part.
    info = bucket.info if 'partNumber' not in call.params else bucket.backend.bucket_info(
        segments_container(bucket.name))
    index = info.get('storage_policy')
    return {} if index is None else {'X-Backend-Storage-Policy-Index': str(index)}


class Report:
    """One operation. It is told once, at its end: a slow answer ends when its last byte is sent."""

    def __init__(self, cluster: Cluster, call: Call, operation: str) -> None:
        """operation: what Amazon calls it. The clock starts now."""
        self._cluster = cluster
        self._call = call
        self._operation = operation
        self._started = time.time()

    def tell(self, reply: Reply) -> Reply:
        """Tell of the operation that was answered with ``reply``, at its end; return what to send."""
        if isinstance(reply.body, bytes):
            self._tell(reply.status, reply)
        else:
            reply.body = self._following(reply.body, reply)
        return reply

    def telling_denial(self, start_response: 'StartResponse') -> 'StartResponse':
        """Return a ``start_response`` for the denial of an operation that the client may not ask for."""
        def start(status: str, headers: 'list[tuple[str, str]]', *exc_info: Any) -> Any:
            self._tell(int(status[:3]), Reply(code='AccessDenied'))
            return start_response(status, headers, *exc_info)

        return start

    def _following(self, body: 'Iterator[bytes]', reply: Reply) -> 'Iterator[bytes]':
        try:
            yield from body
        except GeneratorExit:
            self._tell(_HUNG_UP, reply.final or reply)
            raise
        final = reply.final or reply
        self._tell(final.status, final)

    def _tell(self, status: int, reply: Reply) -> None:
        call, seconds = self._call, time.time() - self._started
        self._cluster.metrics.operation(self._operation, status, reply.code, seconds, call.account, call.bucket)
        if self._operation in _AUDITED and self._cluster.settings.audit_log:
            # As JSON on one line, since keys may hold anything.
            self._cluster.logger.info('%s %s', self._operation, json.dumps({
                'status': status, **({'error': reply.code} if reply.code else {}), 'account': call.account,
                'bucket': call.bucket, 'key': call.key, 'upload_id': call.upload_id, 'user': call.user, **reply.facts,
                'seconds': round(seconds, 4), 'trans_id': call.trans_id}))
