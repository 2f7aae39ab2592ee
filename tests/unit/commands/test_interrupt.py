# SPDX-License-Identifier: Apache-2.0
"""What ends a command before it is done."""
from s3multi.commands.interrupt import Stop


def test_causes(monkeypatch):
    """It ends when the operator asks for it, when the time is over, or when so many things were looked at."""
    now, asked = [100.0], []
    monkeypatch.setattr('s3multi.commands.interrupt.time.monotonic', lambda: now[0])
    stop = Stop(lambda: bool(asked), 60, 2)

    stop.count()
    assert not stop()
    stop.count()
    assert stop()
    assert 'limit' == stop.cause()
    now[0] += 61
    assert 'deadline' == stop.cause()
    asked.append(1)
    assert 'signal' == stop.cause()


def test_no_limits():
    """Without any it ends when all is done."""
    stop = Stop(lambda: False)
    stop.count()

    assert not stop()
