# SPDX-License-Identifier: Apache-2.0
"""What the Swift in memory does that no test can have real servers do at will."""
import pytest
from swift.common.utils import Timestamp

from .swift import Nature
from .world import World

BUCKET, KEY, T = 'bucket', 'key', 1700000000


def time_of(seconds):
    """Return Swift's text for a time."""
    return Timestamp(T + seconds).internal


class Replacing(Nature):
    """A Swift where somebody else writes the object while a PUT of it is under way."""

    def __init__(self, loses_sight):
        self._loses_sight, self.meanwhile = loses_sight, None

    def reach(self, env, what):
        meanwhile, self.meanwhile = self.meanwhile, None
        if what.startswith('PUT ') and meanwhile is not None:
            meanwhile()

    def loses_sight(self):
        return self._loses_sight


@pytest.mark.parametrize('loses_sight, is_there, statuses', [
    (False, True, (202, 412)), (True, True, (201, 201)), (True, False, (202, 412))])
def test_put_whose_object_is_replaced_while_it_is_looked_at(loses_sight, is_there, statuses):
    """Swift takes it for nothing then, without regard to its time and for If-None-Match. What is newer stays."""
    def put(seconds, **headers):
        return world.ask('PUT', BUCKET, KEY, {'X-Timestamp': time_of(seconds), **headers}).status_int

    for status, headers in zip(statuses, ({}, {'If-None-Match': '*'})):
        nature = Replacing(loses_sight)
        world = World(None, nature)
        world.ask('PUT', BUCKET)
        if is_there:
            put(1)
        nature.meanwhile = lambda: put(5)

        assert status == put(3, **headers)
        assert time_of(5) == world.ask('HEAD', BUCKET, KEY).headers['X-Backend-Timestamp']
