# SPDX-License-Identifier: Apache-2.0
"""Runs in which nothing is left to chance: lines say who goes on, and how far.

Actors are named after what they do. C1 completes all parts, C2 the first two, C3 the last two, C4 all of them with the
part that P uploads. A aborts. P uploads part 2 anew, K copies the key into it. W overwrites the key through the Swift
API, R through S3; X deletes it through S3. D deletes the bucket, M makes it again, V has it keep versions. I begins
another upload. C1b does the same as C1, A2 as A, and so on. The lines are these:

``C1 to PUT intent``
    C1 goes on until this is its next request to Swift. ``commit intent``: Swift has accepted the PUT, and has stored
    nothing yet.
``C1 in PUT manifest``
    C1 goes on until s3multi has begun with this, which may take several requests of Swift's own filters.
``C1 makes 5 requests``, ``C1 makes 1 request``
    C1 goes on until it has made so many, counted from its beginning. The storing of a PUT counts as one more.
``C1 ends``, ``C1 dies``, ``C1 dies, stored``
    C1 goes on to its end; or its proxy dies where it is, and a PUT that was accepted takes no effect, or (``stored``)
    takes it.
``R frees``
    R goes on to its end, and so does the work after its answer.
``61 s pass``, ``rows are late``, ``the expirer runs``
    Time passes; listings do not change any more; the queued deletions are done.
``C1 misses 2``, ``A asks 2``, ``C1 lags 5 s``, ``C2 leads 5 s``
    Replica 2 misses what C1 writes; A asks replica 2 first; the clock of a proxy is 5 seconds behind, or ahead.
``C1 reaches 2``, ``A lacks 2``
    What C1 writes from now on reaches replica 2 alone, and so fails; the proxy of A does not reach replica 2.
"""
import re

from greenlet import getcurrent

from .kinds import kind_of
from .rules import Violation
from .schedule import InTurn
from .search import ANOTHER, Client, Run
from .swift import REPLICAS, Lost, Nature
from .world import md5

_LINE = re.compile(r'(?P<who>[A-Z][0-9]?[bc]?) (?P<verb>to|in|makes|ends|dies|frees|misses|asks|reaches|lacks|lags|'
                   r'leads)'
                   r'(?:,? (?P<what>.+))?')
_TIME = re.compile(r'(?P<seconds>[0-9]+) s pass')
_STEP_SECONDS = 0.001


class Lines:
    """The policy that follows the lines, and then lets the actors go on in turn."""

    def __init__(self, lines, nature):
        self._lines = list(lines)
        self._nature = nature
        self.world = None
        self._after = InTurn()

    def choose(self, schedule, seconds):
        schedule.now += _STEP_SECONDS
        while self._lines:
            move = self._follow(self._lines[0], schedule, seconds)
            if move is not None:
                return move
            self._lines.pop(0)
        return self._after.choose(schedule, seconds)

    def _follow(self, line, schedule, seconds):
        """Return the next move that the line asks for, as ``choose`` does; None if the line is done."""
        passing = _TIME.fullmatch(line)
        if passing:
            schedule.now += int(passing['seconds'])
            return None
        if line in ('rows are late', 'rows are in time'):
            self._nature.lagging = line == 'rows are late'
            return None
        if line == 'the expirer runs':
            self.world.swift.expire()
            return None
        who, verb, what = _LINE.fullmatch(line).group('who', 'verb', 'what')
        actor, = (actor for actor in schedule.actors if actor.label == who)
        if verb in ('misses', 'asks', 'reaches', 'lacks'):
            getattr(self._nature, verb)[who] = int(what)
            return None
        if verb in ('lags', 'leads'):
            actor.skew = float(what.split()[0]) * (-1 if verb == 'lags' else 1)
            return None
        if verb == 'dies':
            if not actor.done:
                schedule.kill(actor, what == 'stored')
            return None
        mine = [thread for thread, (waiting, _) in schedule.waiting.items() if waiting is actor]
        if verb == 'frees' and not mine:
            return None if actor.done else seconds
        over = actor.done and verb != 'frees' and not (verb == 'to' and mine)
        if over or verb == 'makes' and actor.requests >= int(what.split()[0]):
            return None
        if verb in ('to', 'in') and any(self._is_at(thread, schedule.waiting[thread][1], verb, what)
                                        for thread in mine):
            return None
        return mine[0] if mine else seconds

    @staticmethod
    def _is_at(thread, asked, verb, what):
        if asked == 'begin':
            return False
        if verb == 'in':
            return getattr(thread, 'asks', None) == what
        method, _, path = asked.partition(' ')
        kind = kind_of({'REQUEST_METHOD': method, 'PATH_INFO': '/v1/' + path.partition(' ')[0], 'QUERY_STRING': ''})
        return kind == what


class Told(Nature):
    """A Swift without faults, except for replicas and rows where the lines say so."""

    def __init__(self, schedule):
        self._schedule = schedule
        self.calm = True
        self.lagging = False
        self.forget()

    def forget(self):
        """Have everybody reach all replicas."""
        self.misses, self.asks, self.reaches, self.lacks = {}, {}, {}, {}

    def reach(self, env, what):
        self._schedule.reach(what)
        if what.startswith(('PUT', 'DELETE')) and self._who() in self.reaches:
            return _fail

    def writes_to(self):
        who = self._who()
        if who in self.reaches:
            return [self.reaches[who]]
        return [replica for replica in range(REPLICAS) if replica not in (self.misses.get(who), self.lacks.get(who))]

    def reads_from(self, _stored):
        who = self._who()
        return sorted((replica for replica in range(REPLICAS) if replica != self.lacks.get(who)),
                      key=lambda replica: replica != self.asks.get(who))

    def row_is_late(self):
        return self.lagging

    def _who(self):
        actor = getattr(getcurrent(), 'actor', None)
        return actor.label if actor else None


def _fail(commit):
    commit()
    raise Lost(503)


class Played(Run):
    """A run along lines. answers: by label, the outcomes that some actors must have in the end."""

    names = {'C': 'complete', 'A': 'abort', 'P': 'part', 'K': 'copy', 'W': 'put', 'R': 'replace', 'X': 'remove',
             'D': 'drop', 'M': 'make', 'V': 'version', 'I': 'initiate'}

    def __init__(self, lines, versioned=False, between=None, answers=None):
        super().__init__(0, between)
        self._lines, self._versioned, self._answers = lines, versioned, answers or {}
        self._options = {'immediate_deletes': '100', 'marker_recheck_after': '1'}
        self._cached = True
        self.trouble = Told(self.schedule)
        self.chance = Lines(lines, self.trouble)

    def _meet(self):
        labels = sorted({found['who'] for line in self._lines for found in [_LINE.fullmatch(line)] if found})
        lists = {'C1': self.listed, 'C2': self.listed[:2], 'C3': self.listed[1:],
                 'C4': [self.listed[0], (2, md5(ANOTHER)), self.listed[2]]}
        self.requests = {}
        self._called = {label: Client(self.names[label[0]], lists.get(label[:2], [])) for label in labels}
        actors = [self.schedule.start(label, lambda client=client: self._once(client))
                  for label, client in self._called.items()]
        self.policy = self.chance
        self.schedule.run(*actors)
        self.requests = {actor.label: actor.requests for actor in actors}
        self.policy, self.trouble.lagging = InTurn(), False
        self.trouble.forget()
        for label, answer in self._answers.items():
            if self.outcomes[label] != answer:
                raise Violation('answers', '%s was answered %s' % (label, self.outcomes[label]))
        return list(self._called.values())

    @property
    def outcomes(self):
        """By label, what each actor was told; None if it died."""
        return {label: client.outcomes[0] if client.outcomes else None for label, client in self._called.items()}

    def describe(self):
        return '%s\n\n%s' % ('\n'.join(self._lines), '\n'.join(self.schedule.trace))
