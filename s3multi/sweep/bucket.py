# SPDX-License-Identifier: Apache-2.0
"""The sweep of one bucket: its segments container from end to end, some uploads at a time."""
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eventlet import Timeout
from swift.common.http import is_success

from s3multi.config import Settings
from s3multi.operations.request import HANDOFF, Handoff, read_call
from s3multi.operations.session import Session, is_versioned
from s3multi.storage.cache_hints import ConditionalWrites, PartHints
from s3multi.storage.deletion import Freeing
from s3multi.storage.records import Records
from s3multi.storage.requests import Backend, own_environ
from s3multi.storage.segments import Store, concurrently
from s3multi.sweep.judge import FAILED, IN_USE, OPEN, Judge, Outcome, is_at_rest, is_in_use
from s3multi.sweep.references import References, Uncertain
from s3multi.sweep.rules import Limits
from s3multi.sweep.walk import Found, until, uploads_in
from s3multi.upload.bucket_lifetime import deleted_at
from s3multi.upload.names import UploadIds

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


@dataclass(frozen=True)
class Sweep:
    """How to sweep. app: the pipeline of an internal client. apply: whether to change anything.

    concurrency: how many uploads at a time. pause: called before each upload that is asked about.
    """

    app: 'WSGIApplication'
    ids: UploadIds
    settings: Settings
    logger: Any
    limits: Limits = Limits()
    apply: bool = False
    concurrency: int = 8
    pause: Callable[[], None] = lambda: None

    def bucket(self, account: str, bucket: str, stop: Callable[[], bool] = lambda: False) -> Iterator[Outcome]:
        """Yield the outcome for each upload, until ``stop`` says so.

        Raises S3Error when the listing cannot be read, Uncertain when it is not certain whether there is a bucket.
        """
        session, references = self._session(account, bucket)
        gone = references.bucket_is_gone()
        if not gone and not is_success(session.bucket_info['status']):
            raise Uncertain('the bucket is not always found')
        # Without a bucket, all of its uploads ended with it.
        ended = session.ticks() if gone else deleted_at(session.bucket_info)

        def look(found: Found) -> Outcome:
            if is_at_rest(found, ended, self.limits, session):
                return Outcome(found.upload, OPEN)
            try:
                self.pause()
                # As it is now: a sweep of a large bucket takes hours, and what was learned is kept in the environ.
                own, references = self._session(account, bucket)
                if is_in_use(found, references):
                    return Outcome(found.upload, IN_USE)
                return Judge(own, references, ended, self.limits, self.apply).run(found)
            except (Exception, Timeout) as error:
                # Time-outs of eventlet are no Exceptions.
                return Outcome(found.upload, FAILED, reason='%s: %s' % (type(error).__name__, error))

        found = until(stop, uploads_in(session.store.rows(), account, bucket, self.ids))
        yield from concurrently(self.concurrency, look, found)
        if gone and self.apply and not stop():
            session.store.delete_container()

    def _session(self, account: str, bucket: str) -> 'tuple[Session, References]':
        env = own_environ(account, bucket)
        env[HANDOFF] = Handoff({}, {}, '', '')
        call = read_call(env)
        backend = Backend(self.app, env, account, bucket)
        info = backend.bucket_info()
        # Not the queue of the object expirer: nobody waits, and what is reported as deleted shall be deleted.
        store = Store(backend, account, bucket, Freeing(self.settings.delete_concurrency, 0, None))
        return Session(call, store, Records(backend, bucket, is_versioned(info)), backend, self.settings, self.ids,
                       PartHints(None), ConditionalWrites(None), info, False, False,
                       self.logger), References(backend, bucket)
