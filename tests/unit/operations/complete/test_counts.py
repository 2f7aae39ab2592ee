# SPDX-License-Identifier: Apache-2.0
"""What is counted of Completes: those that did not make the object alone, those that were refused, and hints."""
import collections

import pytest
from swift.common.utils import Timestamp

from s3multi.s3.etags import multipart_etag
from s3multi.storage.metrics import Metrics
from s3multi.upload.names import Upload
from s3multi.upload.records import list_name
from tests.model.kinds import ACCOUNT, BUCKET, MARKERS, PART, SEGMENTS
from tests.model.schedule import InTurn, Schedule
from tests.model.swift import Nature
from tests.model.world import World


@pytest.fixture
def schedule():
    """Of Swift in memory: there is nobody else."""
    found = Schedule(InTurn())
    with found.in_charge():
        yield found


class Counts:
    """Stands in for a Swift logger: the sums of what is counted."""

    def __init__(self):
        self._sums = collections.Counter()

    def update_stats(self, name, amount):
        self._sums[name] += amount

    def timing(self, *_):
        pass

    increment = timing

    def of(self, begin):
        """Return the counters whose names begin so, without that."""
        return {name[len(begin):]: count for name, count in self._sums.items() if name.startswith(begin)}


class Parts:
    """An upload of two parts, and what is counted of its Completes."""

    def __init__(self, schedule, **options):
        self._schedule = schedule
        self.counts = Counts()
        self.world = self._calmly(lambda: World(schedule, Nature(), metrics=Metrics(self.counts), **options))
        upload_id = self._calmly(lambda: self.world.initiate('key')).text('UploadId')
        self.upload = Upload(ACCOUNT, BUCKET, 'key', upload_id)
        self._listed = [(number, self._upload_part(number)) for number in (1, 2)]

    def _calmly(self, call):
        self._schedule.now += 1
        return self._schedule.run(self._schedule.start('-', call))[0]

    def _upload_part(self, number):
        return self._calmly(lambda: self.world.upload_part('key', self.upload.id, number, b'part')).etag

    def put(self, *args):
        """Put an object there."""
        assert self._calmly(lambda: self.world.ask('PUT', *args)).is_success

    @property
    def own_list(self):
        """The name of the list of all parts."""
        names = [name for name in self.world.swift.names('%s/%s' % (ACCOUNT, SEGMENTS)) if PART.fullmatch(name)]
        return list_name(multipart_etag(etag for _, etag in self._listed), sorted(names))

    def complete(self, condition=None):
        """Complete the upload; return what clients see in the end."""
        return self._calmly(lambda: self.world.complete('key', self.upload.id, self._listed, condition)).outcome

    def intend(self, name=list_name('0' * 32 + '-2', []), seconds=0.0):
        """Write the intent of a Complete with another list, or with the list ``name``, so many seconds ago."""
        at = Timestamp(float(Timestamp.now()) - seconds).internal
        self.put(SEGMENTS, self.upload.intent, {
            'X-Timestamp': at, 'X-Object-Sysmeta-S3multi-Chosen': name, 'X-Object-Sysmeta-S3multi-Timestamp': at})


def test_a_complete_that_is_repeated(schedule):
    """It is answered from the object. A first one alone is none of these."""
    parts = Parts(schedule)
    assert 200 == parts.complete()
    assert {} == parts.counts.of('complete')

    assert 200 == parts.complete()
    assert {'repeated': 1} == parts.counts.of('complete.')


def test_a_complete_that_joins_another(schedule):
    """One with the same list is at work: they write the same manifest."""
    parts = Parts(schedule)
    parts.intend(parts.own_list)

    assert 200 == parts.complete()
    assert {'joined': 1} == parts.counts.of('complete.')


def refused_for_rival(parts):
    parts.intend()


def refused_for_slow(parts):
    parts.intend(parts.own_list, seconds=30)


def refused_for_abort(parts):
    parts.world.cache.flush()
    parts.intend()
    parts.put(MARKERS, parts.upload.marker, {'Content-Type': 'application/x-s3multi-marker;state=aborting'})


def refused_for_clock(parts):
    ahead = Timestamp(float(Timestamp.now()) + 3600).internal
    parts.put(BUCKET, 'key', {'X-Timestamp': ahead})


@pytest.mark.parametrize('prepare', [refused_for_rival, refused_for_slow, refused_for_abort, refused_for_clock])
def test_completes_that_have_to_be_repeated(schedule, prepare):
    """Each is counted once, by what keeps it."""
    parts = Parts(schedule)
    prepare(parts)

    assert (503, 'ServiceUnavailable') == parts.complete()
    assert {prepare.__name__.rpartition('_')[2]: 1} == parts.counts.of('complete.refused.')


def test_one_condition_at_a_time(schedule):
    """While another Complete with a condition writes to the key, this one is refused."""
    parts = Parts(schedule)
    parts.world.cache.incr('s3multi/write/%s/%s/key' % (ACCOUNT, BUCKET), 60)

    assert (409, 'ConditionalRequestConflict') == parts.complete('*')
    assert {'condition': 1} == parts.counts.of('complete.refused.')


@pytest.mark.parametrize('cached, found', [(True, 'used'), (False, 'missing')])
def test_hints(schedule, cached, found):
    """Whether the cache noted the upload, and how many of the listed parts."""
    parts = Parts(schedule, cached=cached)
    assert 200 == parts.complete()

    assert {'upload.' + found: 1, 'parts.' + found: 2} == parts.counts.of('hints.')
