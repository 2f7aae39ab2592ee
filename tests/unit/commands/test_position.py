# SPDX-License-Identifier: Apache-2.0
"""How far a command has come, and the file for the next run."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3multi.commands.position import Position, PositionFile, Trail
from s3multi.config import ConfigError

PLACE = Position('AUTH_a', 'bucket', 'k\udcffey', '1790000000.00000')


@given(st.permutations(range(6)), st.integers(0, 6))
def test_trail(order, ended):
    """Nothing before the position is left to do, in whatever order things end."""
    places = [Position('AUTH_a', 'bucket', 'key%d' % number) for number in range(6)]
    trail = Trail(Position())
    for place in places:
        trail.begin(place)
    done = set(order[:ended])
    for number in order[:ended]:
        trail.end(places[number])

    first = next((number for number in range(6) if number not in done), 6)
    assert (places[first - 1] if first else Position()) == trail.position


def test_file(tmp_path):
    """It is kept from one run to the next, and there is none before the first and after the last."""
    path = tmp_path / 'position'
    file = PositionFile(str(path), ['AUTH_a'], 'a check')
    assert Position() == file.read()

    file.write(PLACE)

    assert PLACE == PositionFile(str(path), ['AUTH_a'], 'a check').read()
    file.remove()
    file.remove()
    assert [] == list(tmp_path.iterdir())


def test_position_of_others(tmp_path):
    """The position among other places, or of another command, means nothing, and might skip all of these."""
    path = tmp_path / 'position'
    PositionFile(str(path), ['AUTH_b'], 'a check').write(PLACE)

    with pytest.raises(ConfigError, match='AUTH_b'):
        PositionFile(str(path), ['AUTH_a'], 'a check').read()

    with pytest.raises(ConfigError, match='of a check'):
        PositionFile(str(path), ['AUTH_b'], 'a sweep').read()


@pytest.mark.parametrize('text', ['', '[]', '{}', '{"account": "a"}', 'x', '{"places": [], "account": 1}'])
def test_file_of_something_else(tmp_path, text):
    """It is refused, and not overwritten."""
    path = tmp_path / 'position'
    path.write_text(text)

    with pytest.raises(ConfigError, match='no position'):
        PositionFile(str(path), [], 'a check').read()
    assert text == path.read_text()


def test_no_file():
    """Nothing is kept without one."""
    file = PositionFile(None, [], 'a check')
    file.write(PLACE)
    file.remove()

    assert Position() == file.read()
