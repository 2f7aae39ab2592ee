# SPDX-License-Identifier: Apache-2.0
"""The table of what each operation does in each state of an upload, made by asking ``s3multi.upload.decisions``."""
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from swift.common.utils import Timestamp  # noqa: E402

from s3multi.upload.decisions import (Step, View, abort_step, complete_step, follow, open_step,  # noqa: E402
                                      repeat_step, sweep_step)
from s3multi.upload.records import LEASE_SECONDS, Intent, ObjectAtKey, State, UploadMarker  # noqa: E402

HEADS = ('Marker', 'Intent', 'Object', 'Complete, same list', 'Complete, other list', 'Abort', 'Upload Part', 'Sweep')

_NOW = Timestamp(1790000000.0)
_OURS, _ETAG, _OTHER_ETAG = 'ours', '0-2', '1-2'
_LIST, _THIRD_LIST = _ETAG + ':x', _ETAG + ':y'
_INTENTS = {'none': None, 'fresh': (_LIST, 1.0), 'lease over': (_LIST, LEASE_SECONDS + 1),
            'fresh, of a third list with the same ETag': (_THIRD_LIST, 1.0),
            'fresh, later than the object': (_LIST, 0.5)}
# Marker, intent, and whether the object is there.
_STATES = (
    ('open', 'none', False), ('open', 'fresh', True), ('open', 'fresh', False), ('open', 'lease over', True),
    ('open', 'lease over', False),
    ('aborting', 'none', False), ('aborting', 'fresh', True), ('aborting', 'fresh', False),
    ('aborting', 'lease over', True), ('aborting', 'lease over', False), ('aborted', 'none', False),
    ('aborted', 'fresh', False), ('aborted', 'lease over', False), ('gone', 'none', True), ('gone', 'none', False),
    ('gone', 'fresh', True), ('gone', 'fresh', False), ('gone', 'lease over', True),
    ('gone', 'fresh, of a third list with the same ETag', True), ('gone', 'fresh, later than the object', True),
)
_COMPLETE = {
    Step.GO_ON: 'goes on', Step.JOIN: 'confirms, joins: 200; after 20 s 503', Step.BUSY: '503', Step.ABORTED: '404',
    Step.REMOVE_INTENT: 'removes the intent, goes on',
}
_ABORT = {
    Step.END_ABORT: 'wins: 204', Step.BUSY: 'waits, then 404 or 503', Step.FINISH: 'tidies up: 404',
    Step.ABORTED: 'deletes parts: 204', Step.COMPLETED: '404',
}
_PART = {Step.GO_ON: 'stores', Step.SETTLE: '404', Step.ABORTED: '404', Step.COMPLETED: '404'}
_SWEEP = {
    Step.LEAVE: 'leaves it, or aborts it by age', Step.BUSY: 'leaves it', Step.FINISH: 'tidies up',
    Step.ABORT: 'aborts it', Step.ABORTED: 'deletes parts', Step.JUDGE: 'deletes what no manifest lists',
}


def rows() -> 'Iterator[tuple[str, ...]]':
    """Yield a row for each state, with a cell for each of ``HEADS``."""
    for marker, intent, there in _STATES:
        world = _World(marker, intent, there)
        yield (marker if marker == 'gone' else '``%s``' % marker, intent, 'there' if there else 'not there',
               world.complete(_ETAG), world.complete(_OTHER_ETAG), world.abort(),
               _PART[world.ask(open_step)], _SWEEP[world.ask(partial(sweep_step, may_abort=False, now=_NOW))])


class _World:
    """Records that stay as they are, and what the operations make of them."""

    def __init__(self, marker: str, intent: str, there: bool) -> None:
        self._marker = None if marker == 'gone' else UploadMarker(State(marker), Timestamp(1.0))
        named = _INTENTS[intent]
        self._intent = Intent(named[0], Timestamp(float(_NOW) - named[1])) if named else None
        self._object = ObjectAtKey(_OURS, _ETAG, Timestamp(float(_NOW) - 1.0)) if there else ObjectAtKey()

    def ask(self, decide: 'Callable[[View], Step]', view: View = View(_OURS)) -> Step:
        """Return the step to which ``decide`` comes when it has read what it asked for. view: what it knows before."""
        return follow(view, decide, lambda step, _: {
            Step.READ_INTENT: self._intent, Step.READ_OBJECT: self._object}.get(step, self._marker))[0]

    def complete(self, etag: str) -> str:
        """Return what a Complete does whose list has this ETag. Intent and object, if any, have ``_ETAG``."""
        name = etag + ':x'
        view = View(_OURS, intent=Intent(name, _NOW), own_intent=True) if self._intent is None else View(_OURS)
        decide = partial(complete_step, list_name=name, now=_NOW)
        step = self.ask(decide, view)
        begins = ''
        if step is Step.CONFIRM:
            # Whatever follows, it has written the intent again. The table says so where it joins.
            step = self.ask(decide, View(_OURS, intent=self._intent, confirmed=True))
        if step is Step.SETTLE:
            settled = self.flagged()
            if settled is Step.END_ABORT:
                return 'flags, ends the Abort: 404'
            if settled is Step.BUSY:
                return 'flags, 503'
            step, begins = Step.COMPLETED, 'flags, tidies up: '
        elif step is Step.FINISH:
            step, begins = Step.COMPLETED, 'tidies up: '
        if step is Step.COMPLETED:
            repeated = self.ask(partial(repeat_step, etag=etag, list_name=name, now=_NOW))
            return begins + {Step.COMPLETED: '200', Step.ABORTED: '404', Step.BUSY: '503'}[repeated]
        return _COMPLETE[step]

    def abort(self) -> str:
        """Return what an Abort does."""
        step = self.ask(partial(abort_step, now=_NOW))
        return 'flags, ' + _ABORT[self.flagged()] if step is Step.FLAG else _ABORT[step]

    def flagged(self) -> Step:
        """Return the step that comes after a flag that was stored."""
        marker = UploadMarker(State.ABORTING, Timestamp(1.0))
        return self.ask(partial(abort_step, now=_NOW), View(_OURS, marker, flagged=True))
