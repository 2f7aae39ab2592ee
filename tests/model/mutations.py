# SPDX-License-Identifier: Apache-2.0
"""s3multi without one of its protective steps: filters to its right, each of which undoes one step.

A filter drops a request, moves it, or changes its answer, as if the product had been written without the step. It
knows the requests of the protocol, and nothing of the code that sends them.
"""
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from urllib.parse import quote

from greenlet import getcurrent
from swift.common.swob import Request, Response
from swift.common.utils import Timestamp
from swift.common.wsgi import make_pre_authed_request

from s3multi.upload import records

from .kinds import ACCOUNT, BUCKET, MARKERS, SEGMENTS, kind_of, marker_of, upload_of


class Mutant:
    """A filter that passes everything on. Each class below changes what its docstring names.

    ``of`` returns a dict in which a filter keeps what it has to remember of one operation.
    """

    def __init__(self, app):
        self._app = app
        self._memory = {}

    def __call__(self, env, start_response):
        answer = self.handle(kind_of(env), Request(env))
        return answer(env, start_response)

    def handle(self, kind, request):
        return self.send(request)

    def send(self, request):
        response = request.get_response(self._app)
        response.body  # noqa: B018 - reads it
        return response

    def ask(self, request, method, name, headers=None, container=SEGMENTS, query=''):
        """Send another request, on behalf of the same operation."""
        path = quote('/v1/%s/%s' % (ACCOUNT, container) + ('/' + name if name else '')) + '?' + query
        return self.send(make_pre_authed_request(request.environ, method, path, body=b'', headers={
            'Content-Length': '0', 'X-Backend-Allow-Reserved-Names': 'true', **(headers or {})}))

    def ask_marker(self, request, method, headers):
        """Send another request for the marker of the upload."""
        return self.ask(request, method, marker_of(self.upload(request)), headers, MARKERS)

    def of(self, _request):
        return self._memory.setdefault(getcurrent().actor.label, {})

    @staticmethod
    def upload(request):
        return upload_of(request.environ)


def _answer(status, request, headers=None):
    return Response(status=status, request=request, headers={'Accept-Ranges': 'bytes', **(headers or {})})


def _is_gone(response):
    """Return whether the answer to a HEAD says that there is no marker, or one that counts as none."""
    return response.status_int == 404 or 'state=completed' in response.headers['Content-Type']


def _confirms(kind, request):
    """Return whether a Complete writes the intent of another one again."""
    return kind == 'PUT intent' and 'If-None-Match' not in request.headers


class NoIntent(Mutant):
    """A Complete writes no intent."""

    def handle(self, kind, request):
        if kind in ('PUT intent', 'DELETE intent'):
            return _answer(201 if kind == 'PUT intent' else 204, request)
        return self.send(request)


class IntentAfterMarker(Mutant):
    """A Complete reads the marker before it writes its intent, and not after that."""

    def handle(self, kind, request):
        if kind == 'PUT intent':
            self.of(request)['marker'] = self.ask_marker(request, 'HEAD', {'X-Newest': 'true'})
        elif kind == 'HEAD marker' and 'marker' in self.of(request):
            return self.of(request).pop('marker')
        return self.send(request)


class NoCondition(Mutant):
    """A Complete writes its intent even if there is one."""

    def handle(self, kind, request):
        if kind == 'PUT intent':
            request.headers.pop('If-None-Match', None)
        return self.send(request)


class NoProof(Mutant):
    """A Complete does not read the intent once it has ended the marker: it takes it for its own."""

    def handle(self, kind, request):
        memory = self.of(request)
        if kind == 'PUT intent':
            memory['intent'] = dict(request.headers)
        if kind == 'HEAD intent' and memory.get('closed'):
            return _answer(200, request, memory['intent'])
        memory['closed'] = memory.get('closed') or kind == 'PUT completed'
        return self.send(request)


class ProofBeforeMarker(Mutant):
    """A Complete reads the intent for the last time before it ends the marker, and not after that."""

    def handle(self, kind, request):
        memory = self.of(request)
        if kind == 'PUT completed':
            memory['intent'] = self.ask(request, 'HEAD', self.upload(request) + '/complete', {'X-Newest': 'true'})
        elif kind == 'HEAD intent' and 'intent' in memory:
            return memory['intent']
        return self.send(request)


class StoresIntentAtOnce(Mutant):
    """The intent that a Complete begins early is stored before the parts are proven."""

    def handle(self, kind, request):
        if kind == 'PUT intent':
            request.environ['wsgi.input'] = BytesIO()
        return self.send(request)


class MarkerBeforeIntentCounts(Mutant):
    """A Complete believes the look at the marker that it began together with the PUT of its intent."""

    def handle(self, kind, request):
        memory = self.of(request)
        if kind == 'HEAD marker' and getcurrent().actor.label.startswith('C'):
            if 'marker' not in memory:
                memory['marker'] = self.send(request)
            return memory['marker']
        return self.send(request)


class ObjectSeemsLater(Mutant):
    """A Complete that finds the marker gone takes any intent of its list for that of the object, however late it is."""

    def handle(self, kind, request):
        memory = self.of(request)
        response = self.send(request)
        if kind == 'HEAD key' and memory.get('over'):
            response.headers['X-Backend-Timestamp'] = '4000000000.00000'
        memory['over'] = memory.get('over') or kind == 'PUT completed'
        return response


class IntentBeforeMarker(Mutant):
    """A Complete deletes the intent before it ends the marker."""

    def handle(self, kind, request):
        if kind == 'PUT completed':
            self.of(request)['intent'] = self.ask(request, 'DELETE', self.upload(request) + '/complete', {
                'X-Timestamp': request.headers['X-Timestamp']})
        elif kind == 'DELETE intent' and 'intent' in self.of(request):
            return self.of(request).pop('intent')
        return self.send(request)


class OwnTimestamp(Mutant):
    """A manifest has another timestamp than the intent, and a Complete that joins another writes a new intent."""

    def handle(self, kind, request):
        memory = self.of(request)
        if kind == 'PUT intent' and not _confirms(kind, request):
            response = self.send(request)
            memory.update(intent=dict(request.headers), joins=response.status_int == 412,
                          name=self.upload(request) + '/complete')
            return response
        if kind == 'PUT manifest':
            own = memory['own'] = Timestamp(time.time())
            if memory['joins']:
                headers = {name: value for name, value in memory['intent'].items() if name != 'If-None-Match'}
                self.ask(request, 'PUT', memory['name'], {**headers, 'X-Timestamp': own.internal,
                                                          'X-Object-Sysmeta-S3Multi-Timestamp': own.internal})
            request.headers['X-Timestamp'] = own.internal
        if kind in ('PUT completed', 'DELETE marker', 'DELETE intent') and 'own' in memory:
            request.headers['X-Timestamp'] = Timestamp(memory['own'], offset=1).internal
        return self.send(request)


class TrustsIntent(Mutant):
    """A Complete that joins another does not write the intent again."""

    def handle(self, kind, request):
        return _answer(201, request) if _confirms(kind, request) else self.send(request)


class ConfirmedSeemsStored(Mutant):
    """A Complete that joins another believes that the intent is stored, whatever Swift answers."""

    def handle(self, kind, request):
        response = self.send(request)
        if _confirms(kind, request) and response.status_int == 202:
            response.status_int = 201
        return response


class ConfirmsAfterMarker(Mutant):
    """A Complete that joins another reads the marker before it writes the intent again, and not after that."""

    def handle(self, kind, request):
        if _confirms(kind, request):
            self.of(request)['marker'] = self.ask_marker(request, 'HEAD', {'X-Newest': 'true'})
        elif kind == 'HEAD marker' and 'marker' in self.of(request):
            return self.of(request).pop('marker')
        return self.send(request)


class IntentEndsAtOnce(Mutant):
    """An intent is deleted just after its T."""

    def handle(self, kind, request):
        if kind == 'DELETE intent':
            tick, _, offset = request.headers['X-Timestamp'].partition('_')
            first = int(offset, 16) // _OFFSETS_OF_A_LIST * _OFFSETS_OF_A_LIST
            request.headers['X-Timestamp'] = Timestamp(tick, offset=first + 1).internal
        return self.send(request)


class NoIntentOnceOver(Mutant):
    """A Complete that finds no marker does not read the intent after that."""

    def handle(self, kind, request):
        memory = self.of(request)
        response = self.send(request)
        if kind == 'HEAD intent' and memory.get('over'):
            return _answer(404, request)
        if kind == 'HEAD marker' and _is_gone(response):
            memory['over'] = True
        return response


class IntentOnceOverReadEarly(Mutant):
    """A Complete that finds no marker believes the intent that it has read before."""

    def handle(self, kind, request):
        memory = self.of(request)
        if kind == 'HEAD intent' and memory.get('gone'):
            return memory['intent']
        response = self.send(request)
        if kind == 'HEAD intent':
            memory['intent'] = response
        if kind == 'HEAD marker' and _is_gone(response) and 'intent' in memory:
            memory['gone'] = True
        return response


class TrustsEnd(Mutant):
    """A Complete that finds no marker does not end it again, or does so after it has read the intent.

    late: whether the second.
    """

    def __init__(self, app, late=False):
        super().__init__(app)
        self._late = late

    def handle(self, kind, request):
        memory = self.of(request)
        if not getcurrent().actor.label.startswith('C'):
            return self.send(request)
        if kind == 'DELETE marker' and memory.get('gone'):
            if not self._late:
                return _answer(204, request)
            memory['intent'] = self.ask(request, 'HEAD', self.upload(request) + '/complete', {'X-Newest': 'true'})
        if kind == 'HEAD intent' and 'intent' in memory:
            return memory['intent']
        response = self.send(request)
        if kind == 'HEAD marker':
            memory['gone'] = _is_gone(response)
        return response


class TakesBack(Mutant):
    """A Complete deletes its own intent when it finds the marker gone, or ``aborting``.

    gone: whether the first of the two.
    """

    def __init__(self, app, gone):
        super().__init__(app)
        self._gone = gone

    def handle(self, kind, request):
        memory = self.of(request)
        response = self.send(request)
        if kind == 'PUT intent' and response.status_int == 201:
            memory['timestamp'] = Timestamp(request.headers['X-Timestamp'])
        if kind == 'HEAD marker' and 'timestamp' in memory and (
                _is_gone(response) if self._gone else 'aborting' in response.headers['Content-Type']):
            self.ask(request, 'DELETE', self.upload(request) + '/complete', {
                'X-Timestamp': Timestamp(memory.pop('timestamp'), offset=1).internal})
        return response


class FreesEarly(Mutant):
    """A Complete frees the parts that it did not list as soon as it has ended the marker."""

    at = 'PUT completed'

    def handle(self, kind, request):
        memory = self.of(request)
        response = self.send(request)
        if kind == 'PUT manifest':
            rows = json.loads(self.ask(request, 'GET', 'key', container=BUCKET, query='multipart-manifest=get').body)
            memory['listed'] = {row['name'].split('/', 2)[2] for row in rows}
        if kind == self.at and 'listed' in memory and response.is_success:
            upload = self.upload(request)
            rows = json.loads(self.ask(request, 'GET', None, query='format=json&prefix=%s/0' % quote(upload)).body)
            for row in rows:
                if row['name'] not in memory['listed']:
                    self.ask(request, 'DELETE', row['name'], {'X-Timestamp': Timestamp(time.time()).internal})
        return response


class FreesAfterProof(FreesEarly):
    """A Complete frees them after the last look at its intent, but in any bucket."""

    at = 'HEAD intent'


class LooksBeforeFlag(Mutant):
    """An Abort reads the intent before it writes its flag, and not after that."""

    def handle(self, kind, request):
        memory = self.of(request)
        if kind == 'PUT aborting':
            memory['intent'] = self.ask(request, 'HEAD', self.upload(request) + '/complete', {'X-Newest': 'true'})
        elif kind == 'HEAD intent' and 'intent' in memory:
            return memory['intent']
        return self.send(request)


class MarksNow(Mutant):
    """An Abort writes the marker with the present time."""

    def handle(self, kind, request):
        if kind in ('PUT aborting', 'PUT aborted'):
            request.headers['X-Timestamp'] = Timestamp(time.time()).internal
        return self.send(request)


class CompletedSeemsStored(Mutant):
    """A Complete takes it for stored that its upload is completed, also if Swift says that it has stored nothing."""

    def handle(self, kind, request):
        response = self.send(request)
        return _answer(201, request) if kind == 'PUT completed' and response.status_int == 202 else response


class AbortedSeemsStored(Mutant):
    """An Abort believes that ``aborted`` is stored, whatever Swift answers."""

    def handle(self, kind, request):
        response = self.send(request)
        if kind == 'PUT aborted':
            response.status_int = 201
        return response


class NoMarkerAfterIntent(Mutant):
    """An Abort that finds no intent answers without another look at the marker."""

    def handle(self, kind, request):
        memory = self.of(request)
        if kind == 'HEAD marker' and 'flagged' in memory:
            return memory.pop('flagged')
        response = self.send(request)
        if kind == 'PUT aborting':
            memory['flagged'] = self.look(request)
        return response

    def look(self, request):
        return _answer(200, request, {'Content-Type': request.headers['Content-Type'],
                                      'X-Backend-Timestamp': request.headers['X-Timestamp']})


class MarkerBeforeIntent(NoMarkerAfterIntent):
    """An Abort reads the marker a second time before the intent."""

    def look(self, request):
        return self.ask_marker(request, 'HEAD', {'X-Newest': 'true'})


class AbortedBeforeIntent(Mutant):
    """An Abort writes ``aborted`` before it reads the intent."""

    def handle(self, kind, request):
        memory = self.of(request)
        if kind == 'PUT aborting':
            memory['flag'] = dict(request.headers)
        elif kind == 'HEAD intent' and 'flag' in memory:
            flag = memory.pop('flag')
            self.ask_marker(request, 'PUT', {
                **flag, 'Content-Type': flag['Content-Type'].replace('aborting', 'aborted'),
                'X-Timestamp': Timestamp(flag['X-Timestamp'].partition('_')[0], offset=2).internal})
        return self.send(request)


class TrustsFlag(Mutant):
    """An Abort, or a Complete that settles one, that finds a flag does not write it again."""

    def handle(self, kind, request):
        memory = self.of(request)
        if kind == 'PUT aborting' and memory.get('flagged'):
            return _answer(201, request)
        response = self.send(request)
        if kind == 'HEAD marker':
            memory['flagged'] = 'aborting' in response.headers.get('Content-Type', '')
        return response


class FlagSeemsStored(Mutant):
    """An Abort believes that its flag is stored, whatever Swift answers."""

    def handle(self, kind, request):
        response = self.send(request)
        if kind == 'PUT aborting' and response.status_int == 202:
            response.status_int = 201
        return response


class AbortedLikeAFlag(Mutant):
    """An Abort writes ``aborted`` two offsets after the Initiate, where a flag may be."""

    def handle(self, kind, request):
        if kind == 'PUT aborted':
            began = request.headers['X-Timestamp'].partition('_')[0]
            request.headers['X-Timestamp'] = Timestamp(began, offset=2).internal
        return self.send(request)


class TrustsDeadIntent(Mutant):
    """An Abort does not ask whether a dead Complete has written its manifest, at the key or as a version."""

    kinds = ('HEAD key', 'HEAD version')

    def handle(self, kind, request):
        if kind in self.kinds and getcurrent().actor.label[0] in 'Aa':
            return _answer(404, request)
        return self.send(request)


class TrustsDeadVersion(TrustsDeadIntent):
    """An Abort does not ask for the version."""

    kinds = ('HEAD version',)


class AnyReplica(Mutant):
    """Any replica answers, where the newest one should."""

    def handle(self, kind, request):
        request.headers.pop('X-Newest', None)
        return self.send(request)


class AnyAnswer(Mutant):
    """An answer that hides a tombstone is believed."""

    def handle(self, kind, request):
        response = self.send(request)
        if response.is_success:
            response.headers['Accept-Ranges'] = 'bytes'
        return response


class NotAborted(Mutant):
    """An Abort never writes the state ``aborted``."""

    def handle(self, kind, request):
        return _answer(201, request) if kind == 'PUT aborted' else self.send(request)


class OneName(Mutant):
    """All attempts to upload a part have the same name."""

    def handle(self, kind, request):
        if kind == 'PUT part':
            place = self.upload(request) + '/' + request.path_info.rpartition('/')[2][:8]
            stored = json.loads(self.ask(request, 'GET', None, query='format=json&prefix=' + quote(place)).body)
            if stored:
                request.path_info = '/v1/%s/%s/%s' % (ACCOUNT, SEGMENTS, stored[0]['name'])
        return self.send(request)


class MarkerAfterPart(Mutant):
    """An Upload Part looks whether the upload is open once its part is stored, and not before."""

    def handle(self, kind, request):
        writes = getcurrent().actor.label[0] in 'PK'
        if kind == 'HEAD marker' and writes and not self.of(request).get('stored'):
            return _answer(200, request, {'Content-Type': 'application/x-s3multi-marker;state=open',
                                          'X-Timestamp': '0'})
        response = self.send(request)
        if kind == 'PUT part':
            self.of(request)['stored'] = True
            marker = self.ask_marker(request, 'HEAD', {'X-Newest': 'true'})
            if 'state=open' not in marker.headers.get('Content-Type', ''):
                return _answer(404, request)
        return response


class DeletesOwnAttempt(Mutant):
    """An Upload Part that finds the marker gone deletes the attempt that it has stored."""

    def handle(self, kind, request):
        response = self.send(request)
        if kind == 'PUT part':
            self.of(request)['stored'] = True
        if kind == 'HEAD marker' and _is_gone(response) and self.of(request).get('stored'):
            return _answer(200, request, {'Content-Type': 'application/x-s3multi-marker;state=aborted',
                                          'X-Timestamp': '0'})
        return response


class Believes(Mutant):
    """Actors whose label begins with ``label`` get the same answer to every request of one kind, unasked."""

    def __init__(self, app, label, kind, status, headers=None):
        super().__init__(app)
        self._label, self._kind, self._status, self._headers = label, kind, status, headers

    def handle(self, kind, request):
        if kind == self._kind and getcurrent().actor.label.startswith(self._label):
            return _answer(self._status, request, self._headers)
        return self.send(request)


class TrustsIntentBeforeEnd(Mutant):
    """The freeing of a replaced object's parts does not read the intent after it has ended the marker."""

    def handle(self, kind, request):
        memory = self.of(request)
        if getcurrent().actor.label != 'R' or kind != 'HEAD intent':
            return self.send(request)
        if 'intent' not in memory:
            memory['intent'] = self.send(request)
        return memory['intent']


class ReplacesIntentFirst(Mutant):
    """The freeing of a replaced object's parts reads the intent before the marker, and not after that."""

    def handle(self, kind, request):
        memory = self.of(request)
        if getcurrent().actor.label == 'R':
            if kind == 'HEAD marker':
                memory['intent'] = self.ask(request, 'HEAD', self.upload(request) + '/complete', {'X-Newest': 'true'})
            elif kind == 'HEAD intent':
                return memory['intent']
        return self.send(request)


class ForgetsDeletion(Mutant):
    """Nobody learns when the bucket was deleted."""

    def handle(self, kind, request):
        response = self.send(request)
        if kind == 'HEAD rows':
            response.headers['X-Backend-Delete-Timestamp'] = '0'
        return response


class MarkerFirst(Mutant):
    """Delete Bucket deletes the markers of the uploads before their parts."""

    def handle(self, kind, request):
        if kind == 'DELETE part' and getcurrent().actor.label == 'D':
            self.ask_marker(request, 'DELETE', {'X-Timestamp': Timestamp(time.time()).internal})
        return self.send(request)


@dataclass(frozen=True)
class Mutation:
    """A protective step, s3multi without it, and the lines (``script``) along which that goes wrong.

    step: in words, for the docs. without: the filter that undoes the step. rule: the one that breaks first. versioned:
    whether the bucket has versions. answers: by label, what must be answered, if the step is there for the answers
    alone. lease: that of intents without the step, in seconds, if the step is the lease.
    """

    step: str
    without: 'Callable'
    rule: str
    lines: 'tuple[str, ...]'
    versioned: bool = False
    answers: 'dict[str, object]' = field(default_factory=dict)
    lease: float = records.LEASE_SECONDS


# Two intents whose PUTs overlap, so that both are stored, and both Completes pass.
_TOGETHER = ('C1 to commit intent', 'C2 to commit intent', 'C1 to commit key', 'C2 to commit key')
_TOGETHER_VERSIONED = ('C1 to commit intent', 'C2 to commit intent', 'C1 in PUT manifest', 'C2 in PUT manifest')
# An intent that has reached one replica.
_ON_ONE = ('C1 reaches 2', 'C1 ends')
# How many offsets the intents of one T have, as in ``upload.timestamps``.
_OFFSETS_OF_A_LIST = 1 << 15

# An end of the marker that has reached one replica.
_ENDED_ON_ONE = ('C1 to commit key', 'C1 to PUT marker', 'C1 reaches 2', 'C1 ends')
_ENDED_ON_ONE_AND_RIVAL = ('C2 lacks 2', 'C1 to commit intent', 'C2 to commit intent', *_ENDED_ON_ONE)

MUTATIONS = (
    Mutation('a Complete writes an intent', NoIntent, 'R4',
             ('C1 to commit key', 'A ends', 'C1 ends')),
    Mutation('... before it reads the marker', IntentAfterMarker, 'R4',
             ('C1 to commit intent', 'A ends', 'C1 ends')),
    Mutation('... also if it has looked at it while it proved its parts', MarkerBeforeIntentCounts, 'R4',
             ('C1 makes 4 requests', 'A ends', 'C1 ends')),
    Mutation('... on condition that there is none', NoCondition, 'answers',
             ('C1 to commit marker', 'C2 ends', 'C1 ends'), answers={'C1': 200}),
    Mutation('... and none that is begun early is stored before the parts are proven', StoresIntentAtOnce, 'answers',
             ('C4 frees', 'C1 ends'), answers={'C4': (400, 'InvalidPart'), 'C1': 200}),
    Mutation('the intent is read once more: the proof that no other list came later', NoProof, 'R6',
             (*_TOGETHER, 'C1 ends', 'C2 ends')),
    Mutation('... after the marker was ended', ProofBeforeMarker, 'R6',
             ('C1 to commit intent', 'C2 to commit intent', 'C1 to commit marker', 'C2 to commit key', 'C1 ends',
              'C2 ends')),
    Mutation('... or deleted, where not all replicas take that it is completed', CompletedSeemsStored, 'R6',
             ('C2 lacks 2', 'C1 to commit intent', 'C2 to commit intent', 'C1 to commit marker', 'C1 dies',
              'C1b to PUT key', 'C1c to PUT marker', 'C1c reaches 2', 'C1c ends', 'C1b ends', 'C2 ends')),
    Mutation('the marker is ended before the intent', IntentBeforeMarker, 'R4',
             ('C1 to commit marker', 'A ends', 'C1 ends')),
    Mutation('intent and manifest have one timestamp; a Complete that joins takes the one it has read', OwnTimestamp,
             'R6',
             ('C1 to commit intent', 'C2 to commit intent', 'C1 to commit marker', 'C1 dies', 'C1b to commit key',
              'C2 to commit key', 'C1b ends', 'C2 ends')),
    Mutation('a Complete that joins writes the intent again: it may have reached one replica', TrustsIntent, 'R4',
             (*_ON_ONE, 'C1b to commit key', 'A lacks 2', 'A ends', 'C1b ends')),
    Mutation('... also where a rival cannot see it', TrustsIntent, 'R6',
             ('C2 lacks 2', 'C2 to commit intent', *_ON_ONE, 'C2 to commit marker', 'C1b to commit key', 'C2 ends',
              'C1b ends')),
    Mutation('... until it is stored', ConfirmedSeemsStored, 'R4',
             (*_ON_ONE, 'C1b makes 5 requests', 'C1b to PUT intent', 'C1c reaches 2', 'C1c ends', 'C1b to commit key',
              'A lacks 2', 'A ends', 'C1b ends')),
    Mutation('... and reads the marker after that', ConfirmsAfterMarker, 'R4',
             (*_ON_ONE, 'C1b makes 5 requests', 'C1b to commit intent', 'A lacks 2', 'A ends', 'C1b ends')),
    Mutation('an intent is deleted at a time after it was last written', IntentEndsAtOnce, 'answers',
             ('C1 to commit key', 'C1 dies', 'C1b to commit key', 'C1b dies', '61 s pass', 'C2 ends'),
             answers={'C2': 200}),
    Mutation('once the marker is gone, the intent is read', NoIntentOnceOver, 'R6',
             (*_TOGETHER, 'C1 to HEAD intent', 'C1 dies', 'C1b ends', 'C2 ends')),
    Mutation('... and keeps others waiting if it is later than the object, even one of the same list', ObjectSeemsLater,
             'R6', ('C1 to commit intent', 'C2 to commit intent', 'C1b to commit intent', 'C1 to commit key',
                    'C2 to commit key', 'C1b makes 5 requests', 'C1 ends', 'C2 ends')),
    Mutation('... after the marker', IntentOnceOverReadEarly, 'R6',
             ('C1 to commit intent', 'C2 to commit intent', 'C1 to commit marker', 'C1 dies', 'C1b to commit intent',
              'C2 to commit key', 'A ends', 'C1b ends', 'C2 ends')),
    Mutation('... which is ended once more: what ended it may have reached one replica', TrustsEnd, 'R6',
             (*_ENDED_ON_ONE_AND_RIVAL, 'C1b ends', 'C2 ends')),
    Mutation('... before the intent is read', lambda app: TrustsEnd(app, late=True), 'R6',
             (*_ENDED_ON_ONE_AND_RIVAL, 'C1b to DELETE marker', 'C2 to commit key', 'C1b ends', 'C2 ends')),
    Mutation('an intent stays when its Complete meets an Abort', lambda app: TakesBack(app, gone=False), 'R4',
             ('C1 to commit intent', 'C2 to commit intent', 'C1 to commit key', 'C2 to HEAD marker',
              'A to HEAD intent', 'C2 ends', 'A ends', 'C1 ends')),
    Mutation('an intent stays when its Complete finds the marker gone', lambda app: TakesBack(app, gone=True), 'R6',
             ('C1 to commit intent', 'C2 to commit intent', 'C3 to commit intent', 'C1 to commit key',
              'C2 to commit key', 'C1 to HEAD intent', 'C3 ends', 'C1 ends', 'C2 ends')),
    Mutation('parts are freed after the proof', FreesEarly, 'R1',
             ('C2 to commit intent', 'C1 to commit intent', 'C2 to commit key', 'C1 to commit key',
              'C2 ends', 'C1 ends')),
    Mutation('... and not in a bucket with versions', FreesAfterProof, 'R2',
             (*_TOGETHER_VERSIONED, 'C1 to commit marker', 'C2 ends', 'C1 ends'), versioned=True),
    Mutation('an Abort writes its flag before it looks at the intent', LooksBeforeFlag, 'R4',
             ('A to PUT marker', 'C1 to commit key', 'A ends', 'C1 ends')),
    Mutation('... just after the time of the Initiate', MarksNow, 'R4',
             ('C1 to commit key', 'A to HEAD intent', 'C1 frees', 'A ends')),
    Mutation('... and answers only if the marker still says so', NoMarkerAfterIntent, 'R4',
             ('A to commit marker', 'C1 frees', 'A ends')),
    Mutation('... after it has looked at the intent', MarkerBeforeIntent, 'R4',
             ('C1 to commit marker', 'A to HEAD intent', 'C1 frees', 'A ends')),
    Mutation('an Abort has ended only if ``aborted`` was stored', AbortedSeemsStored, 'answers',
             ('C1 to commit marker', 'A to HEAD intent', 'A dies', 'C1b to HEAD intent', 'C1 frees', 'C1b ends'),
             answers={'C1b': 200}),
    Mutation('... after it has looked at the intent', AbortedBeforeIntent, 'R4',
             ('C1 to commit key', 'A ends', 'A2 ends', 'C1 ends')),
    Mutation('an Abort writes its flag again where it finds one: that may have reached one replica', TrustsFlag, 'R4',
             ('A2 reaches 2', 'A2 ends', 'A to HEAD intent', 'A to commit marker', 'C1 lacks 2', 'C1 to commit key',
              'A ends', 'C1 ends')),
    Mutation('... and so does a Complete that settles an Abort', TrustsFlag, 'R4',
             ('A reaches 2', 'A ends', 'C1 to commit marker', 'C2 lacks 2', 'C2 to commit key', 'C1 ends', 'A2 ends',
              'C2 ends')),
    Mutation('... until it is stored', FlagSeemsStored, 'R4',
             ('A makes 1 request', 'A2 reaches 2', 'A2 ends', 'A to HEAD intent', 'A to commit marker', 'C1 lacks 2',
              'C1 to commit key', 'A ends', 'C1 ends')),
    Mutation('``aborted`` is later than any flag', AbortedLikeAFlag, 'R4',
             ('A to HEAD intent', 'A dies', 'A2 frees')),
    Mutation('the object is asked before a dead intent is believed', TrustsDeadIntent, 'R4',
             ('C1 to commit marker', 'C1 dies', '61 s pass', 'A ends')),
    Mutation('... and so is the version', TrustsDeadVersion, 'R4',
             ('C1 to commit marker', 'C1 dies', 'W ends', '61 s pass', 'A ends'), versioned=True),
    Mutation('the lease is longer than any Complete', Mutant, 'R4',
             ('C1 to commit key', '15 s pass', 'A ends', 'C1 ends'), lease=10.0),
    Mutation('records are read with X-Newest', AnyReplica, 'R4',
             ('A misses 2', 'A ends', 'C1 asks 2', 'C1 ends')),
    Mutation('... and no answer is believed that hides a tombstone', AnyAnswer, 'R6',
             ('C1 misses 2', 'C1 frees', 'C2 lacks 0', 'C2 asks 2', 'C2 ends')),
    Mutation('``aborted`` is a state of its own', NotAborted, 'answers',
             ('C1 to commit intent', 'A frees', 'C1 ends', 'A2 ends'), answers={'A': 204, 'A2': 204}),
    Mutation('every attempt has a name of its own', OneName, 'R1',
             ('P to commit part', 'C1 ends', 'P ends')),
    Mutation('Swift gets the bytes of a part when the marker was open', MarkerAfterPart, 'R4',
             ('A ends', 'P ends'), answers={'P': (404, 'NoSuchUpload')}),
    Mutation('... and those of a copy', MarkerAfterPart, 'R4',
             ('W ends', 'C1 ends', 'K ends'), answers={'K': (404, 'NoSuchUpload')}),
    Mutation('an Upload Part leaves its attempt when the marker is gone', DeletesOwnAttempt, 'R2',
             ('P to commit part', '6 s pass', 'P makes 3 requests', 'P to HEAD marker', 'C4 ends',
              'P ends')),
    Mutation('every attempt to copy into a part has a name of its own', OneName, 'R1',
             ('W ends', 'K to commit part', 'C1 ends', 'K ends')),
    Mutation('parts of a replaced object are freed only when the marker is gone', lambda app: Believes(
        Believes(app, 'R', 'DELETE marker', 204), 'R', 'HEAD marker', 404, {
            'X-Backend-Timestamp': '4000000000.00000'}), 'R1',
             ('C1 to commit marker', 'C1 dies', '61 s pass', 'C1b to HEAD intent', 'R frees', 'the expirer runs',
              'C1b ends')),
    Mutation('... and no intent is fresh', lambda app: Believes(app, 'R', 'HEAD intent', 404), 'R1',
             ('C2 leads 5 s', *_TOGETHER, 'C1 ends', 'R frees', 'the expirer runs', 'C2 ends')),
    Mutation('... which is read after the marker', ReplacesIntentFirst, 'R1',
             ('C1 to commit marker', '61 s pass', 'R to HEAD marker', 'C2 to commit key', 'C1 ends', 'R frees',
              'the expirer runs', 'C2 ends')),
    Mutation('... and the marker is ended once more if a Complete died', lambda app: Believes(
        app, 'R', 'DELETE marker', 204), 'R1',
             ('rows are late', *_ENDED_ON_ONE, '61 s pass', 'R frees', 'the expirer runs', 'C1b lacks 2', 'C1b ends')),
    Mutation('... before the intent is read', TrustsIntentBeforeEnd, 'R1',
             ('rows are late', *_ENDED_ON_ONE, '61 s pass', 'C1b lacks 2', 'R to DELETE marker', 'C1b to commit key',
              'R frees', 'the expirer runs', 'C1b ends')),
    Mutation('... and the bucket keeps no versions', lambda app: Believes(app, 'R', 'HEAD rows', 204), 'R2',
             ('R leads 1 s', 'C1 ends', 'R makes 1 request', 'V ends', 'W ends', 'R frees', 'the expirer runs')),
    Mutation('an upload belongs to the bucket in which it began', ForgetsDeletion, 'answers',
             ('D to GET rows', 'D dies', 'M ends', 'C1 ends'), answers={'C1': (404, 'NoSuchUpload')}),
    Mutation('Delete Bucket looks for the intent of each upload', lambda app: Believes(
        app, 'D', 'HEAD intent', 404), 'R1',
             ('C1 to commit key', 'D ends', 'C1 ends')),
    Mutation('... and deletes the marker last', MarkerFirst, 'R5',
             ('D to DELETE part', 'D dies')),
)
