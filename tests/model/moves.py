# SPDX-License-Identifier: Apache-2.0
"""Watches all writes to Swift, and compares them with the moves that ``s3multi.upload.lifecycle`` lists."""
from collections import Counter

from greenlet import getcurrent
from swift.common.swob import wsgi_to_str
from swift.common.utils import Timestamp

from s3multi.upload.lifecycle import MOVES, Actor, At, stage_of
from s3multi.upload.manifest import UPLOAD_ID_HEADER
from s3multi.upload.names import Upload
from s3multi.upload.records import MarkerType, State
from s3multi.upload.timestamps import intent_end, marker_time, plain_time, swift_time

from .kinds import ACCOUNT, BUCKET, MARKERS, SEGMENTS, marker_of, part_of_upload
from .versions import linked_by

_SEGMENTS = ACCOUNT + '/' + SEGMENTS + '/'
_MARKERS = ACCOUNT + '/' + MARKERS + '/'
# As the Swift in memory keeps its name.
_INTENT_TIME = 'X-Object-Sysmeta-S3Multi-Timestamp'
_MARKER_TIMES = {At.T0: State.OPEN, At.T0_LATE: State.ABORTED, At.T0_END: None}

_AFTER_T = {At.T_1: 1, At.T_2: 2}
# By write.
_MOVES = {write: [move for move in MOVES if move.write == write] for write in {move.write for move in MOVES}}


class Moves:
    """The stages of a bucket's uploads.

    shown: the versions that have been the latest one. broken: called with rule and text for a move that is not listed.
    intents: by <key>/<id>, the timestamps of all intents that were sent. seen: how often each move was made, by write,
    actor, and the stages before and after.
    """

    def __init__(self, swift, shown, intents, broken):
        self._swift, self._shown, self._intents, self._broken = swift, shown, intents, broken
        self.seen = Counter()
        # By <key>/<id>: the names of large objects that can be read, and the last stage.
        self._objects, self._stages = {}, {}
        for name in [*swift.objects]:
            self._changed(name, None, swift.newest(name), silent=True)
        swift.watchers.append(self._changed)
        swift.watchers_of_jobs.append(lambda name: self._freed(name[len(_SEGMENTS):]))

    def _changed(self, name, before, after, silent=False):
        _, container, place = name.split('/', 2)
        if container not in (SEGMENTS, MARKERS):
            self._object_changed(name, before, after, silent)
            return
        kind, upload = part_of_upload(container, place)
        if kind is None:
            return
        if kind == 'part':
            if after is None:
                self._freed(place)
            else:
                self._moved(upload, 'PUT part', silent=silent)
        elif kind == 'intent':
            self._moved(upload, 'DELETE intent' if after is None else 'PUT intent', name, silent)
        else:
            was = MarkerType.decode(before.headers['Content-Type']).state if before else None
            write = ('PUT ' + MarkerType.decode(after.headers['Content-Type']).state.value if after
                     else 'DELETE completed' if was is State.COMPLETED
                     else 'DELETE aborted' if was is State.ABORTED and not self._is_at(At.T_1, upload, name)
                     else 'DELETE marker')
            self._moved(upload, write, name, silent)

    def _object_changed(self, name, before, after, silent):
        self._linked(linked_by(after), silent)
        old, new = (self._maker(stored) for stored in (before, after))
        was_visible = old is not None and self._is_visible(old, name)
        for place, uploads in ((old, set.discard), (new, set.add)):
            if place is not None:
                uploads(self._objects.setdefault(place, set()), name)
        if old is not None and old != new and was_visible:
            self._moved(old, 'replace object')
        if new is not None:
            copied = getattr(getcurrent(), 'operation', None) is not Actor.COMPLETE
            self._moved(new, 'copy object' if copied else 'PUT manifest', name, silent)

    def _linked(self, version, silent):
        """Note that a link leads to a version, which may become the object of its upload by that."""
        for upload, names in self._objects.items():
            if version in names and self._stage(upload) is not self._stages.get(upload):
                self._moved(upload, 'PUT manifest', version, silent)

    def _is_visible(self, upload, name):
        """Return whether a large object counts as the object of its upload.

        A version does once it has been the latest one, and while the intent has its time: then s3multi looks for it.
        """
        if name in self._shown:
            return True
        intent = self._swift.newest(_SEGMENTS + upload + '/complete')
        return intent is not None and (
            self._swift.last(name).timestamp == plain_time(Timestamp(intent.headers[_INTENT_TIME])))

    def _maker(self, stored):
        """Return the <key>/<id> of the upload whose manifest is ``stored``; None if that is not a manifest."""
        if stored is None or stored.headers.get('X-Static-Large-Object') != 'True':
            return None
        upload_id = wsgi_to_str(stored.headers[UPLOAD_ID_HEADER])
        return next((upload for upload in self._stages if upload.endswith('/' + upload_id)), None)

    def _freed(self, name):
        self._moved(name.rpartition('/')[0], 'free parts')

    def _moved(self, upload, write, name=None, silent=False):
        stage = self._stage(upload)
        before = self._stages.get(upload)
        self._stages[upload] = stage
        if silent:
            return
        actor = getattr(getcurrent(), 'operation', None)
        if write in ('replace object', 'copy object'):
            actor = Actor.CLIENT
        moves = [move for move in _MOVES.get(write, ()) if (before, stage) in move.steps
                 and (actor in move.by or actor is None and write == 'free parts')
                 and (name is None or self._is_at(move.at, upload, name))]
        if stage is None or not moves:
            self._broken('moves', '%s of %s by %s at %s, from %s to %s' % (
                write, upload, actor, self._swift.last(name).timestamp if name else 'some time', before, stage))
        elif actor is not None:
            self.seen[write, actor, before, stage] += 1

    def _stage(self, upload):
        marker = self._swift.newest(_MARKERS + marker_of(upload))
        intent = self._swift.newest(_SEGMENTS + upload + '/complete')
        return stage_of(MarkerType.decode(marker.headers['Content-Type']).state if marker else None, intent is not None,
                        any(self._is_visible(upload, name) for name in self._objects.get(upload, ())))

    def _is_at(self, at, upload, name):
        """Return whether the last write to ``name`` has a timestamp of the kind ``at``."""
        timestamp = Timestamp(self._swift.last(name).timestamp)
        key, _, upload_id = upload.rpartition('/')
        began = swift_time(Upload(ACCOUNT, BUCKET, key, upload_id).ticks)
        if at in _MARKER_TIMES:
            return timestamp == marker_time(began, _MARKER_TIMES[at])
        if at is At.T0_N:
            return marker_time(began, State.ABORTING) <= timestamp < marker_time(began, State.ABORTED)
        times = self._intents.get(upload, ())
        if at in _AFTER_T:
            return timestamp in {Timestamp(time.internal, offset=_AFTER_T[at]) for time in times}
        if at is At.T_N:
            return any(time < timestamp < intent_end(time) for time in times)
        if at is At.T_END:
            return timestamp in map(intent_end, times)
        return at is At.SINCE or timestamp in times or timestamp.internal in map(plain_time, times)
