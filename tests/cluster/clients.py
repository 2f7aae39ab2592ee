# SPDX-License-Identifier: Apache-2.0
"""Clients that work at once, repeat requests as SDKs do, and remember every answer.

They upload, complete and abort, and overwrite and delete objects.
"""

from __future__ import annotations

import http.client
import random
import time
import traceback
from dataclasses import dataclass, field
from threading import Event, Thread

from tests.integration.raw import RawClient, multipart_etag
from tests.integration.uploads import race

from .machines import BUCKETS

# How long a client repeats a request that is not answered, or answered with 500 or 503.
PATIENCE_SECONDS = 20
NO_SUCH_UPLOAD = (404, 'NoSuchUpload')
INVALID_PART = (400, 'InvalidPart')
# All clients write these keys, and each client writes keys of its own.
SHARED_KEYS = ('shared-1', 'shared-2')
# How uploads end, and what is done to a shared key afterwards; the numbers tell how often.
ENDINGS = {'complete': 8, 'abort': 3, 'complete and abort': 3, 'two lists': 2, 'abort and part': 1, 'none': 1}
AFTERWARDS = {'nothing': 5, 'put': 1, 'delete': 1}
# A client deletes most of its own keys after it has used so many others. Containers have to have fewer rows somewhere,
# or their shards never shrink.
KEPT_KEYS, KEPT_FOR_EVER = 3, 0.2
FOREVER = float('inf')
# How often an object may read as corrupted, one after another: as often as it has parts.
CORRUPT_READS = 4


@dataclass
class Call:
    """An operation with all of its repeats.

    content: what it writes; None for nothing. etag: that of the object which it writes. began, ended: when the first
    request was sent and the last one answered, on the monotonic clock; FOREVER if none was answered. outcome: as
    ``outcome`` returns it. lost: how many requests were not answered, or answered with 500 or 503. answer: the last
    one.
    """

    kind: str
    content: 'bytes | None' = None
    etag: 'str | None' = None
    began: float = field(default_factory=time.monotonic)
    ended: float = FOREVER
    outcome: object = None
    lost: int = 0
    answer: object = None


@dataclass
class Upload:
    """An upload that a client knows.

    parts, etags: bodies and ETags of the parts that were acknowledged last, by number. calls: those to the upload.
    """

    bucket: str
    key: str
    id: str
    parts: dict = field(default_factory=dict)
    etags: dict = field(default_factory=dict)
    calls: list = field(default_factory=list)

    def of(self, kind):
        """Return the calls of this kind."""
        return [call for call in self.calls if call.kind == kind]

    @property
    def is_rewritten(self):
        """Whether a part was sent more than once."""
        return len(self.of('part')) > len(self.parts) or any(call.lost for call in self.of('part'))

    @property
    def listed(self):
        """The list that a Complete of all parts sends: pairs of number and ETag."""
        return sorted(self.etags.items())


@dataclass(frozen=True)
class Plan:
    """What a client does next, as the seed chooses it. Nothing in a plan depends on an answer."""

    bucket: str
    key: str
    sizes: tuple
    rewritten: bool
    ending: str
    afterwards: str
    kept: bool

    @classmethod
    def draw(cls, rng, own_key):
        """Return the next plan. own_key: a key that no other client writes."""
        return cls(rng.choice(BUCKETS), rng.choice((own_key, own_key, rng.choice(SHARED_KEYS))),
                   tuple(rng.randint(1, 6000) for _ in range(rng.randint(2, 4))), rng.random() < 0.3,
                   _draw(rng, ENDINGS), _draw(rng, AFTERWARDS), rng.random() < KEPT_FOR_EVER)


class History:
    """What all clients did.

    writes: plain PUTs and DELETEs, by bucket and key. problems: answers that no client may get, whatever fails.
    corrupt_reads: how often an object was read with other bytes than were written. internal_errors: answers with 500.
    """

    def __init__(self):
        self.uploads, self.calls, self.problems, self.corrupt_reads = [], [], [], 0
        self.writes = {}
        self.internal_errors = []


class Client(Thread):
    """Carries out plans until ``stopping`` is set."""

    def __init__(self, proxies, history, seed, number, rest):
        """rest: for how many seconds to rest after each plan, on average."""
        super().__init__(name=f'client {number}', daemon=True)
        self.stopping = Event()
        self._proxies, self._history, self._number, self._rest = proxies, history, number, rest
        self._rng = random.Random(f'{seed}/client {number}')
        # For choices whose number depends on answers, so that these do not change what the seed chooses.
        self._jitter = random.Random(number)
        self._passing = []

    def run(self):
        """Carry out plans."""
        rounds = 0
        try:
            while not self.stopping.is_set():
                rounds += 1
                self._carry_out(Plan.draw(self._rng, f'own-{self._number}-{rounds}'), rounds)
                self.stopping.wait(self._jitter.uniform(0, 2 * self._rest))
        except Exception:
            self._history.problems.append(traceback.format_exc())

    def _carry_out(self, plan, serial):
        began = self._call(Call('initiate'), lambda client: client.request(
            'POST', plan.bucket, plan.key, {'uploads': None}), {200})
        if began.outcome != 200:
            return
        upload = Upload(plan.bucket, plan.key,
                        began.answer.xml('InitiateMultipartUploadResult').findtext('UploadId'))
        self._history.uploads.append(upload)
        bytes_of = random.Random(f'{self._number} {serial}').randbytes
        numbers = list(range(1, len(plan.sizes) + 1))
        for number, size in [*zip(numbers, plan.sizes), *([(1, plan.sizes[0])] if plan.rewritten else [])]:
            if self._part(upload, number, bytes_of(size), {200}).outcome != 200:
                return
        self._end(plan.ending, upload, bytes_of)
        key = (plan.bucket, plan.key)
        if plan.key not in SHARED_KEYS:
            self._passing += [] if plan.kept else [key]
        elif plan.afterwards != 'nothing':
            self._write(plan.afterwards, key, bytes_of(100))
        while len(self._passing) > KEPT_KEYS:
            self._write('delete', self._passing.pop(0))

    def _end(self, ending, upload, bytes_of):
        alone = upload.key not in SHARED_KEYS
        # At a key that others overwrite, a repeated Complete cannot see that its upload was completed.
        completed = {200, INVALID_PART} if alone else {200, INVALID_PART, NO_SUCH_UPLOAD}
        either = {200, INVALID_PART, NO_SUCH_UPLOAD}
        if ending == 'complete':
            call = self.complete(upload, completed)
            if alone and call.outcome == 200:
                self._check_completed(upload, call)
        elif ending == 'abort':
            if self.abort(upload, {204}).outcome == 204:
                self._check_aborted(upload)
        elif ending == 'complete and abort':
            race(lambda: self.complete(upload, either), lambda: self.abort(upload, {204, NO_SUCH_UPLOAD}))
        elif ending == 'two lists':
            race(lambda: self.complete(upload, either), lambda: self.complete(upload, either, len(upload.parts) - 1))
        elif ending == 'abort and part':
            race(lambda: self._part(upload, 1, bytes_of(1000), {200, NO_SUCH_UPLOAD}),
                 lambda: self.abort(upload, {204}))

    def complete(self, upload, expected, count=None):
        """Complete an upload with its first `count` parts, or with all of them; return the Call."""
        listed = upload.listed[:count]
        call = complete_call(upload, listed)
        return self._call(call, lambda client: client.complete(upload.bucket, upload.key, upload.id, listed), expected)

    def abort(self, upload, expected):
        """Abort an upload; return the Call."""
        call = Call('abort')
        upload.calls.append(call)
        return self._call(call, lambda client: client.abort(upload.bucket, upload.key, upload.id), expected)

    def _part(self, upload, number, body, expected):
        call = Call('part')
        upload.calls.append(call)
        self._call(call, lambda client: client.upload_part(upload.bucket, upload.key, upload.id, number, body),
                   expected)
        if call.outcome == 200:
            upload.parts[number], upload.etags[number] = body, call.answer.headers['ETag']
        else:
            # Nobody knows whether the part is there, nor which one a Complete would take.
            upload.parts.pop(number, None)
            upload.etags.pop(number, None)
        return call

    def _check_completed(self, upload, completed):
        """Check, after a Complete was acknowledged, that an Abort fails, a repeat succeeds, and the object is there."""
        where = (upload.bucket, upload.key)
        self._call(Call('abort after a Complete'), lambda client: client.abort(*where, upload.id), {NO_SUCH_UPLOAD})
        self._call(Call('repeated Complete'), lambda client: client.complete(*where, upload.id, upload.listed), {200})
        # A storage server sends a replica that is corrupted once: it quarantines it at the end.
        for _ in range(CORRUPT_READS + 1):
            read = self._call(Call('read'), lambda client: client.request('GET', *where), {200})
            if read.outcome != 200 or (read.answer.body, read.answer.etag) == (completed.content, completed.etag):
                return
            self._history.corrupt_reads += 1
        self._history.problems.append(f'{where}: reads as {read.answer.etag} after {completed}')

    def _check_aborted(self, upload):
        """Check, after an Abort was acknowledged, that a Complete finds no upload."""
        self._call(Call('complete after an Abort'), lambda client: client.complete(
            upload.bucket, upload.key, upload.id, upload.listed), {NO_SUCH_UPLOAD})

    def _write(self, kind, key, content=None):
        call = Call(kind, content)
        self._history.writes.setdefault(key, []).append(call)
        if kind == 'put':
            self._call(call, lambda client: client.request('PUT', *key, body=content), {200})
        else:
            self._call(call, lambda client: client.request('DELETE', *key), {204})

    def _call(self, call, send, expected):
        """Send a request, again and again by another proxy, until it is answered; return the call with its outcome.

        An outcome that is not among ``expected`` is a problem.
        """
        self._history.calls.append(call)
        deadline = time.monotonic() + PATIENCE_SECONDS
        proxy = self._jitter.randrange(len(self._proxies))
        while True:
            proxy = (proxy + 1) % len(self._proxies)
            try:
                call.answer = send(RawClient(self._proxies[proxy].url))
                call.outcome = outcome(call.answer)
                if call.answer.status == 500:
                    self._history.internal_errors.append(f'{call.kind}: {call.answer.body!r}')
            except (OSError, http.client.HTTPException):
                pass
            if call.outcome is not None:
                call.ended = time.monotonic()
                if call.outcome not in expected:
                    self._history.problems.append(f'{call.outcome} to {call}')
                return call
            call.lost += 1
            if time.monotonic() > deadline:
                return call
            time.sleep(self._jitter.uniform(0.05, 0.5))


def complete_call(upload, listed):
    """Return the Call of a Complete with this list, after adding it to the calls of the upload."""
    bodies = [upload.parts[number] for number, _etag in listed]
    call = Call('complete', b''.join(bodies), multipart_etag(bodies) if bodies else None)
    upload.calls.append(call)
    return call


def outcome(answer):
    """Return the outcome of an answer, as Answer has it; None if an SDK would repeat the request."""
    if answer.status >= 500:
        return None
    if answer.status == 200 and b'<Error>' in answer.body[:200]:
        # The error came after white space, when the status had been sent.
        return NO_SUCH_UPLOAD if b'NoSuchUpload' in answer.body else None
    return answer.outcome


def _draw(rng, weights):
    return rng.choices(list(weights), list(weights.values()))[0]
