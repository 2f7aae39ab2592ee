# SPDX-License-Identifier: Apache-2.0
"""The rules that must always hold, watched at every write to Swift and at every answer to a client.

R1 After a 200 on Complete the object is readable in full until someone deletes or overwrites it.
R2 Abort never deletes a part that a finished object, or a version of one, refers to.
R3 A Complete that fails leaves the upload as it was.
R4 After a 204 on Abort no Complete of that upload succeeds, and its parts go away. No part is stored whose Upload Part
   began after the upload had ended for a client.
R5 Every operation can be repeated after a lost answer or a crash, and converges.
R6 Of two Completes with different lists one wins whole; the object is never a mixture.
"""
import json
from dataclasses import dataclass, field

from greenlet import getcurrent

from s3multi.upload.manifest import ETAG_HEADER, UPLOAD_ID_HEADER

from .kinds import ACCOUNT, BUCKET, PART, SEGMENTS
from .moves import Moves
from .versions import Shown, linked_by

_SEGMENTS = ACCOUNT + '/' + SEGMENTS + '/'
KEYS = ACCOUNT + '/' + BUCKET + '/'


class Violation(AssertionError):
    """A rule was broken. rule: its name."""

    def __init__(self, rule, text):
        super().__init__('%s: %s' % (rule, text))
        self.rule, self.text = rule, text

    def __reduce__(self):
        return Violation, (self.rule, self.text)


@dataclass
class Fate:
    """What clients were told of an upload.

    completed: the ETags of the Completes that answered 200. aborted: whether an Abort answered 204.
    """

    key: str
    completed: 'set[str]' = field(default_factory=set)
    aborted: bool = False


class Rules:
    """Watches a world, and keeps broken rules in ``violations``."""

    def __init__(self, world):
        self._world = world
        self._swift = world.swift
        self._shown = Shown(self._swift)
        self._swift.watchers.append(self._changed)
        # By name, each large object that can be read, current or an older version: upload, ETag and parts.
        self._manifests = {}
        self.fates = {}
        self.violations = []
        # Whether somebody may be deleting a bucket with versions.
        self.half_deleted = False
        # Without one of the protective steps, or by release 0.1.0, moves are made that are not listed.
        listed = world.between is None and not world.with_0_1
        self.moves = Moves(self._swift, self._shown, world.asking.intents, self._broken) if listed else None

    def check(self):
        """Raise the first violation, if there was any."""
        for text in self._world.logger.errors:
            if text.startswith('not all uploads of the deleted bucket'):
                # A fault of Swift, which belongs into the log. The next deletion of the bucket finds what is left.
                continue
            if self.half_deleted and text.endswith(' answered 500'):
                # See ``answered``.
                continue
            # An Abort looks for the object once more before it deletes parts, but must never find it.
            self._broken('R2' if 'is marked aborted, but its object exists' in text else 'R5', text)
        if self.violations:
            raise self.violations[0]

    def initiated(self, key, upload_id):
        self.fates[upload_id] = Fate(key)

    def begins(self, upload_id):
        """Note that a client begins an operation on an upload, in this thread."""
        fate = self.fates[upload_id]
        getcurrent().too_late = fate.aborted or bool(fate.completed)

    def answered(self, operation, upload_id, etag, outcome):
        """Note what a client was told. operation: 'complete', 'abort' or another. etag: that of the object it lists."""
        fate = self.fates[upload_id]
        # Swift itself answers 500 if it finds a bucket with versions half deleted.
        if outcome == (500, 'InternalError') and not self.half_deleted:
            self._broken('R5', '%s answered 500' % operation)
        if operation == 'complete' and outcome == 200:
            fate.completed.add(etag)
            if len(fate.completed) > 1 and not self._is_shown_again(upload_id, fate.key):
                self._broken('R6', 'two different lists were both completed')
            if fate.aborted:
                self._broken('R4', 'a Complete answered 200 after an Abort that answered 204')
            self._check_completed(upload_id, fate, etag)
        if operation == 'complete' and outcome == (400, 'InvalidPart') and etag in fate.completed:
            self._broken('R5', 'a Complete answered InvalidPart after one with the same list that answered 200')
        if operation == 'abort' and outcome == 204:
            fate.aborted = True
            if fate.completed:
                self._broken('R4', 'an Abort answered 204 after a Complete that answered 200')
            # Nobody but the sweep looks for a version that was stored by a Complete which then died, if another's
            # intent has covered its own: see "What remains" in ``doc/design``.
            if any(name in self._shown for name in self.manifests_of(upload_id)):
                self._broken('R4', 'an Abort answered 204 and the object is there')

    def manifests_of(self, upload_id):
        """Return the names of the large objects that an upload has made and that can be read."""
        return [name for name, (maker, _etag, _parts) in self._manifests.items() if maker == upload_id]

    def parts_of(self, upload_id):
        """Return the names of all attempts of an upload that are stored."""
        key = self.fates[upload_id].key
        prefix = '%s/%s/0' % (key, upload_id)
        return [name for name in self._swift.names(ACCOUNT + '/' + SEGMENTS) if name.startswith(prefix)]

    def parts_needed(self, upload_id):
        """Return the names of those parts of an upload to which readable large objects refer."""
        return {part[len(_SEGMENTS):] for maker, _etag, parts in self._manifests.values() if maker == upload_id
                for part in parts}

    def _is_shown_again(self, upload_id, key):
        """Return whether the key leads to the only version of an upload: that of another list was deleted.

        See "Versions" in "What remains" in ``doc/design``.
        """
        return self._world.versioned and self.manifests_of(upload_id) == [linked_by(self._swift.newest(KEYS + key))]

    def _check_completed(self, upload_id, fate, etag):
        newest = max((stored for stored in self._swift.objects.get(KEYS + fate.key, ()) if stored),
                     key=lambda stored: stored.timestamp, default=None)
        if newest is None:
            self._broken('R1', 'a Complete answered 200 and there is no object')
        if not self._world.versioned and newest is not None and newest.body is not None:
            maker, made = newest.headers.get(UPLOAD_ID_HEADER), newest.headers.get(ETAG_HEADER)
            if maker == upload_id and made != etag:
                self._broken('R6', 'a Complete answered 200 and the object is that of another list')

    def _changed(self, name, _before, after):
        if name.startswith(_SEGMENTS):
            if after is not None and PART.fullmatch(name[len(_SEGMENTS):]) and getattr(getcurrent(), 'too_late', False):
                self._broken('R4', 'part %s was stored after the upload had ended' % name)
            for where, (maker, _etag, parts) in self._manifests.items():
                if parts.get(name, after and after.etag) != (after and after.etag):
                    rule = 'R2' if after is None else 'R1'
                    done = 'deleted' if after is None else 'overwritten'
                    self._broken(rule, 'part %s of %s was %s' % (name, where, done))
            return
        self._manifests.pop(name, None)
        self._check_latest(linked_by(after))
        if after is None or after.headers.get('X-Static-Large-Object') != 'True':
            return
        upload_id, etag = after.headers[UPLOAD_ID_HEADER], after.headers[ETAG_HEADER]
        parts = {'%s%s' % (ACCOUNT, part['name']): part['hash'] for part in json.loads(after.body)}
        self._manifests[name] = upload_id, etag, parts
        for part, digest in parts.items():
            stored = self._swift.newest(part)
            if stored is None or stored.etag != digest:
                self._broken('R1', 'object %s appears and its part %s is not there' % (name, part))
        fate = self.fates.get(upload_id)
        if fate is not None:
            if fate.aborted:
                self._broken('R4', 'object %s appears after an Abort that answered 204' % name)
            if fate.completed and etag not in fate.completed and name.startswith(KEYS):
                self._broken('R6', 'object %s of another list appears after a Complete that answered 200' % name)

    def _check_latest(self, version):
        """Check that a version, or None, may become the latest one."""
        fate = self.fates.get(self._manifests[version][0]) if version in self._manifests else None
        if fate is not None and fate.aborted:
            self._broken('R4', 'version %s becomes the latest one after an Abort that answered 204' % version)

    def _broken(self, rule, text):
        self.violations.append(Violation(rule, text))
