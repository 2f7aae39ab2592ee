# SPDX-License-Identifier: Apache-2.0
"""S3's multipart uploads as a client sees them, in plain Python: the answers of all operations, and what is read then.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""
import copy
from dataclasses import dataclass, field

from s3multi.s3.etags import multipart_etag

from .world import md5

NO_SUCH_UPLOAD = (404, 'NoSuchUpload')
NO_SUCH_KEY = (404, 'NoSuchKey')
INVALID_PART = (400, 'InvalidPart')
PRECONDITION_FAILED = (412, 'PreconditionFailed')
CONFLICT = (409, 'ConditionalRequestConflict')


@dataclass
class Upload:
    """One upload.

    parts: by number, the bodies uploaded so far, the newest last. state: open, aborted, completed or dropped (with its
    bucket). listed: the list with which it was completed. current: whether its object is at the key. told: whether a
    client was told that it was completed.
    """

    key: str
    parts: 'dict[int, list[bytes]]' = field(default_factory=dict)
    state: str = 'open'
    listed: tuple = ()
    current: bool = False
    told: bool = False


@dataclass
class Bucket:
    """One bucket. Each operation changes it, and returns the set of all outcomes that are right.

    versions: whether it keeps what is overwritten or deleted. kept: whether it has kept anything. objects, etags: by
    key, the bytes, and the ETag as S3 clients see it. All operations have the arguments told, the outcome that the
    client saw, None if it saw none; and alone, whether nothing else was under way.
    """

    versions: bool = False
    kept: bool = False
    objects: 'dict[str, bytes]' = field(default_factory=dict)
    etags: 'dict[str, str]' = field(default_factory=dict)
    uploads: 'dict[str, Upload]' = field(default_factory=dict)

    def initiate(self, upload_id, key):
        self.uploads[upload_id] = Upload(key)

    def part(self, upload_id, number, body, told, alone):
        upload = self.uploads[upload_id]
        if upload.state != 'open':
            # One that began before the upload ended may succeed, though nobody will see the part.
            return {NO_SUCH_UPLOAD} if alone else {NO_SUCH_UPLOAD, 200}
        upload.parts.setdefault(number, []).append(body)
        return {200}

    def copy(self, upload_id, number, source, told, alone):
        """Outcomes of a success are pairs of 200 and the ETag of the part."""
        upload = self.uploads[upload_id]
        body = self.objects.get(source)
        outcome = NO_SUCH_KEY if body is None else (200, md5(body))
        if upload.state != 'open':
            return {NO_SUCH_UPLOAD} if alone else {NO_SUCH_UPLOAD, outcome}
        if body is not None:
            upload.parts.setdefault(number, []).append(body)
        return {outcome}

    def complete(self, upload_id, listed, condition, told, alone):
        """listed: pairs of number and ETag. condition: the ETag that the object must have; '*' if there must be none.
        """
        upload = self.uploads[upload_id]
        # Another part with the same bytes makes the same object.
        if upload.state == 'completed' and [etag for _, etag in listed] == [etag for _, etag in upload.listed]:
            if upload.current:
                upload.told = upload.told or told == 200
                return {200}
            # A repeat of a Complete that was never answered may succeed, though the key was overwritten meanwhile.
            return {NO_SUCH_UPLOAD} if upload.told else {NO_SUCH_UPLOAD, 200}
        if upload.state != 'open':
            return {NO_SUCH_UPLOAD}
        newest = {number: bodies[-1] for number, bodies in upload.parts.items()}
        if any(number not in newest or md5(newest[number]) != etag for number, etag in listed):
            return {INVALID_PART}
        refused = self._refuse(upload.key, condition)
        # A write after the last look is not noticed; one between the two looks is a conflict.
        if refused and (alone or told not in (200, None)):
            return refused if alone else {*refused, CONFLICT}
        if condition and not alone and told == CONFLICT:
            return {CONFLICT}
        self._replace(upload.key, b''.join(newest[number] for number, _ in listed),
                      multipart_etag(etag for _, etag in listed))
        upload.state, upload.listed, upload.current, upload.told = 'completed', listed, True, told == 200
        return {200}

    def _refuse(self, key, condition):
        etag = self.etags.get(key)
        if condition == '*':
            return {PRECONDITION_FAILED} if etag else set()
        if condition and etag is None:
            return {NO_SUCH_KEY}
        return {PRECONDITION_FAILED} if condition and condition != etag else set()

    def abort(self, upload_id, told, alone):
        upload = self.uploads[upload_id]
        if upload.state in ('completed', 'dropped'):
            return {NO_SUCH_UPLOAD}
        upload.state, upload.parts = 'aborted', {}
        return {204}

    def put(self, key, body, through_s3, told, alone):
        self._replace(key, body)
        # 202 says that something newer is there; this object counts as overwritten at once.
        return {201} if alone else {201, 202}

    def delete(self, key, through_s3, told, alone):
        there = key in self.objects
        self._replace(key, None)
        # If something is written meanwhile, Swift may not see it yet, or may keep it as newer.
        return {204, 404, 409} if not alone else {204} if there else {404}

    def drop(self, told, alone):
        """Delete the bucket, and make it again."""
        if self.objects or self.kept:
            return {409}
        for upload in self.uploads.values():
            upload.state, upload.current = 'dropped', False
        return {204}

    def read(self, key, told, alone):
        return {(self.objects.get(key),)}

    def _replace(self, key, body, etag=None):
        self.kept = self.versions
        for upload in self.uploads.values():
            if upload.key == key:
                upload.current = False
        self.objects.pop(key, None)
        self.etags.pop(key, None)
        if body is not None:
            self.objects[key], self.etags[key] = body, etag or md5(body)


@dataclass(frozen=True)
class Seen:
    """A client's operation and the outcome that it saw; None if it cannot know: the answer was lost, or was 503."""

    operation: str
    arguments: tuple
    outcome: object = None


class Impossible(AssertionError):
    """No order of the operations explains what the clients saw."""


class Possible:
    """All states in which a bucket may be, after what clients have seen of it.

    An operation whose outcome nobody saw has happened, or never will. An Abort that has only flagged its upload, or a
    Complete that has written only a version, may also be brought to its end later, by whoever comes next.
    """

    def __init__(self, versions=False):
        self._worlds = [(Bucket(versions), ())]

    @property
    def bucket(self):
        """One of the possible buckets."""
        return self._worlds[0][0]

    @property
    def certain(self):
        """The bucket; None if it may be one of several, or may still change by itself."""
        (bucket, open_ones), *others = self._worlds
        return bucket if not others and not open_ones else None

    def initiate(self, upload_id, key):
        for bucket, _ in self._worlds:
            bucket.initiate(upload_id, key)

    def saw(self, *group):
        """Keep the states that explain a group of operations which ran at once. Raises Impossible if none does."""
        found = {}
        for bucket, open_ones in self._worlds:
            self._explain(bucket, list(group), list(open_ones), len(group) == 1, found, set())
        if not found:
            raise Impossible('%s, where there may be %s' % (group, self._worlds))
        self._worlds = list(found.values())

    def _explain(self, bucket, group, open_ones, alone, found, tried):
        state = repr((bucket, group, open_ones))
        if state in tried:
            return
        tried.add(state)
        if all(seen.outcome is None for seen in group):
            left = tuple(dict.fromkeys(seen for seen in open_ones + group if self._may_come(bucket, seen)))
            found[repr((bucket, left))] = bucket, left
        for place, seen in enumerate(group + open_ones):
            after = copy.deepcopy(bucket)
            right = getattr(after, seen.operation)(*seen.arguments, told=seen.outcome,
                                                   alone=alone and not open_ones)
            if seen.outcome is None or seen.outcome in right:
                rest = group + open_ones
                del rest[place]
                self._explain(after, rest[:len(group) - (place < len(group))],
                              rest[len(group) - (place < len(group)):], alone, found, tried)

    @staticmethod
    def _may_come(bucket, seen):
        return seen.operation in ('abort', 'complete') and bucket.uploads[seen.arguments[0]].state == 'open'
