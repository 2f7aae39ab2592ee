# SPDX-License-Identifier: Apache-2.0
"""Whoever makes another manifest of parts, and whoever deletes them: never both, in whatever order they ask Swift."""
import random
from types import SimpleNamespace
from unittest import mock

import pytest
from greenlet import getcurrent, greenlet
from swift.common.utils import Timestamp, timestamp

from s3multi.operations.references import Uncertain
from s3multi.operations.unreferenced import claim
from s3multi.s3.errors import S3Error
from s3multi.storage.notes import Notes
from s3multi.storage.requests import Backend, Target
from s3multi.storage.segments import Segments
from s3multi.upload.names import Upload
from s3multi.upload.timestamps import just_after
from tests.unit.fakes import IDS, RecordingSwift, client_env

UPLOAD = Upload('AUTH_a', 'bucket', 'key', IDS.new('AUTH_a', 'bucket', 'key', 1790000000 * 100000))


class Race:
    """Parts of one upload, in a Swift in which each request waits for its turn; who takes part is named by a letter."""

    def __init__(self):
        self.is_stored, self.is_listed = True, False
        self._now = 1790000000.0
        self._notes = {}
        swift = RecordingSwift(**{method: self._answer for method in ('PUT', 'HEAD', 'DELETE')})
        backend = Backend(swift, client_env(), 'AUTH_a', 'bucket')
        self.notes = Notes(backend, 'bucket', Segments(backend, 'bucket', 1))
        self._bucket = SimpleNamespace(notes=self.notes)
        self._actors = {}

    def run(self, actors, choose):
        """Have the actors do what they do, request by request. choose: names who is next, of those who are not ready.
        """
        self._actors = {actor: greenlet(getattr(self, '_' + actor)) for actor in actors}
        with mock.patch.object(timestamp.time, 'time', self._time):
            while self._actors:
                actor = choose(sorted(self._actors))
                self._actors[actor].switch()
                if self._actors[actor].dead:
                    del self._actors[actor]
        return self

    def _m(self):
        """Make a manifest: SLO has looked for the parts before it tells of them."""
        if self.is_stored:
            self._turn()
            self.notes.share(UPLOAD, 'other', 'copy')
            if not self.notes.is_claimed(UPLOAD):
                self._turn()
                self.is_listed = True

    def _r(self):
        """Replace the object that lists them."""
        if self.notes.shared(UPLOAD) is None:
            self._free(None)

    def _s(self):
        """Sweep; if another manifest was made lately, next time."""
        if self.notes.shared(UPLOAD) is None:
            claimed = self._free(None)
            if claimed is not None:
                self.notes.release(UPLOAD, claimed)

    def _free(self, shared):
        try:
            claimed = claim(self._bucket, UPLOAD, shared)
        except (S3Error, Uncertain):
            return None
        self._turn()
        self.is_stored = False
        return claimed

    def _turn(self):
        getcurrent().parent.switch()

    def _time(self):
        self._now += 0.001
        return self._now

    def _answer(self, seen):
        self._turn()
        there = self._notes.get(seen.path)
        if seen.method == 'HEAD':
            return (200, {'X-Timestamp': there[0]}, b'') if there and there[1] else 404
        written = seen.headers.get('X-Timestamp') or Timestamp.now().internal
        if 'If-None-Match' in seen.headers and there and there[1]:
            return 412
        if there and there[0] >= written:
            return 202 if seen.method == 'PUT' else 409
        self._notes[seen.path] = written, seen.method == 'PUT'
        return 201 if seen.method == 'PUT' else 204


def orders(actors):
    """Yield every race of these actors: each time another order of their requests."""
    chosen = []
    while True:
        asked = iter([*chosen])
        taken = []

        def choose(ready, asked=asked, taken=taken):
            taken.append((next(asked, 0), len(ready)))
            return ready[taken[-1][0]]

        yield Race().run(actors, choose)
        while taken and taken[-1][0] == taken[-1][1] - 1:
            taken.pop()
        if not taken:
            return
        chosen = [*(each for each, _ in taken[:-1]), taken[-1][0] + 1]


def by_chance(count):
    """Yield races of three, in orders that are left to chance."""
    for seed in range(count):
        yield Race().run('mrs', random.Random(seed).choice)


def outcomes(races):
    """Return what was found: whether parts are listed, and whether they are stored."""
    return {(race.is_listed, race.is_stored) for race in races}


@pytest.mark.parametrize('actors', ['mr', 'ms'])
def test_every_order(actors):
    """Of two requests, or of one and a sweep."""
    assert {(False, False), (False, True), (True, True)} == outcomes(orders(actors))


def test_three():
    """In some orders of the many."""
    assert (True, False) not in outcomes(by_chance(200))


@pytest.mark.parametrize('step', ['is_claimed', 'shared', 'claim', 'share'])
def test_without_a_step(step):
    """Each of the two has to write, and then to read."""
    with mock.patch.object(Notes, step, lambda *_: None):
        assert (True, False) in outcomes(orders('mr'))


def test_taking_the_note_back_at_once():
    """SLO may have looked for the parts before."""
    def take_back(notes, upload, claimed):
        notes._backend.delete(Target('bucket_segments', upload.freed), just_after(claimed))

    with mock.patch.object(Notes, 'release', take_back):
        assert (True, False) in outcomes(orders('ms'))
