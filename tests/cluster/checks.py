# SPDX-License-Identifier: Apache-2.0
"""Compares what clients were told with what is there when all machines work again."""

from __future__ import annotations

import http.client
import itertools
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.integration.raw import RawClient

from .clients import INVALID_PART, NO_SUCH_UPLOAD, Call, complete_call, outcome
from .contents import possible_contents, same
from .disks import stored
from .machines import BUCKETS
from .segments import clean_up, may_return, parts_in_use, segment_names

MANY_AT_ONCE = 4
REPEATS = 5


def may_be_over(upload, writes):
    """Return whether an upload may have ended though no Complete of it was answered 200.

    writes: the other writes of its key, also by Completes of other uploads. The answer may be lost. Or two lists have
    met, and a write has replaced the object before either Complete could see which of them had made it.
    """
    completes = upload.of('complete')
    return any(call.lost for call in completes) or len({call.etag for call in completes}) > 1 and any(
        write.began < call.ended and call.began < write.ended for write in writes for call in completes)


class Judge:
    """Finds what must not be.

    calm_from: the time, on the monotonic clock, since which nothing has failed. What was done later must leave nothing
    behind. slack: by how many seconds the clocks of proxies may have differed. problems: the findings, in words.
    leftovers: how many objects only a clean-up can delete, by kind. ended_afterwards: how many uploads were still open.
    late_rows: how many parts an Abort missed because of late rows. stale_parts: how many uploads could not be completed
    because a part was sent again by a clock that was behind.
    """

    def __init__(self, machines, history, calm_from, slack=0):
        self._machines, self._history, self._calm_from, self._slack = machines, history, calm_from, slack
        self._reader = RawClient(machines.cluster.url)
        self._swift = machines.swift()
        self.problems = list(history.problems)
        self.leftovers = Counter()
        self.ended_afterwards = 0
        self.late_rows = self.stale_parts = 0

    def judge(self):
        """Check everything, end the uploads that were left open, and check again. All machines have to work."""
        self._machines.settle()
        self._machines.expire()
        self._check_answers()
        self._check_keys()
        self._check_freed()
        self._troubled = {upload.id for upload in self._history.uploads if self._is_troubled(upload)}
        self._later = RawClient(self._machines.later().url)
        with ThreadPoolExecutor(MANY_AT_ONCE) as pool:
            for _ in pool.map(self._end, self._history.uploads):
                pass
        self._end_unknown()
        # The proxy ``later``, whose clock is ahead, deletes all parts itself, or the expirer does.
        with self._machines.at_rest():
            self._check_keys()
            self._explain()
        self.problems += clean_up(self._machines, self._swift)
        self._check_keys()
        self._swift.close()

    # What was answered

    def _check_answers(self):
        for upload in self._history.uploads:
            contents = {call.content for call in upload.of('complete') if call.outcome == 200}
            if len(contents) > 1:
                self._wrong(upload, 'two Completes with different lists were acknowledged')
            if contents and self._aborted(upload):
                self._wrong(upload, 'a Complete and an Abort were acknowledged')
            if self._is_calm(upload.calls) and any(call.outcome == INVALID_PART for call in upload.of('complete')):
                self._wrong(upload, 'InvalidPart though nothing failed')

    def _check_keys(self):
        """Check that every key holds, bit for bit, what a call wrote that was not certainly overwritten."""
        completes = {}
        for upload in self._history.uploads:
            completes.setdefault((upload.bucket, upload.key), []).extend(upload.of('complete'))
        for key in {*completes, *self._history.writes}:
            calls = completes.get(key, []) + self._history.writes.get(key, [])
            answer = self._reader.request('GET', *key)
            if answer.status not in (200, 404):
                self.problems.append(f'{key}: GET answers {answer.outcome}')
                continue
            found = (answer.body, answer.etag) if answer.status == 200 else None
            possible = possible_contents(calls, self._slack)
            if not any(same(found, each) for each in possible):
                self.problems.append(
                    f'{key}: it has {found and (len(found[0]), found[1])}, but not what was acknowledged: '
                    + ', '.join(f'{call.kind} {call.outcome} {call.etag}' for call in calls))

    def _check_freed(self):
        """Check that no part is left of an upload whose Abort was acknowledged.

        Three kinds of parts may be left: those that were uploaded meanwhile; those whose rows came later, since one
        replica of the listing tells an Abort its parts; and, while a container is being sharded, those that were sent
        again, of which no cache notes the earlier attempts. When _end repeats the Abort, it finds these.
        """
        names = segment_names(self._swift)
        for upload in self._history.uploads:
            ends = [call for call in upload.of('abort') if call.outcome == 204]
            if not ends:
                continue
            first = min(call.began for call in ends)
            if any(call.ended > first for call in upload.of('part')):
                continue
            prefix = f'{upload.key}/{upload.id}/0'
            left = [name for name in names[upload.bucket] if name.startswith(prefix)]
            if left and self._is_calm(upload.calls) and not (self._machines.sharding and upload.is_rewritten):
                self._wrong(upload, f'the Abort was acknowledged, but there is {left}')
            self.late_rows += len(left)

    # What is ended now

    def _end(self, upload):
        """Repeat the Complete or Abort that was acknowledged; without one, end the upload, whatever was planned."""
        if self._completed(upload):
            self._repeat_complete(upload)
        elif self._aborted(upload):
            if upload.listed:
                self._expect(upload, {NO_SUCH_UPLOAD}, complete_call(upload, upload.listed), self._complete)
            self._expect(upload, {204}, self._abort_call(upload), self._abort)
        else:
            self.ended_afterwards += 1
            if upload.of('complete'):
                self._complete_again(upload)
            elif not upload.of('abort'):
                answer = self._later.list_parts(upload.bucket, upload.key, upload.id)
                if answer.status != 200:
                    self._wrong(upload, f'it is open, but List Parts answers {answer.status}')
                elif not set(upload.etags.values()) <= {part.findtext('ETag') for part in
                                                        answer.xml('ListPartsResult').iter('Part')}:
                    self._wrong(upload, 'List Parts does not show all parts')
            # An upload that was completed and whose object was overwritten is only known to be over.
            unsure = may_be_over(upload, [call for call in self._writes_of(upload) if call not in upload.calls])
            self._expect(upload, {NO_SUCH_UPLOAD} if self._completed(upload) else
                         {204, NO_SUCH_UPLOAD} if unsure else {204}, self._abort_call(upload), self._abort)

    def _complete_again(self, upload):
        call = complete_call(upload, upload.listed)
        # A part that was sent again by a proxy whose clock is behind is older than the one before, unless the cache
        # remembers that. Nobody can complete the upload with it: the client has to send it once more.
        stale = {INVALID_PART} if self._slack and upload.is_rewritten else set()
        self._expect(upload, {200, NO_SUCH_UPLOAD} | stale, call, self._complete)
        self.stale_parts += call.outcome == INVALID_PART
        # If an answer was lost, the object may have been made before a repeat that saw fewer rows was refused.
        if (any(each.outcome == INVALID_PART for each in upload.of('complete')) and call.outcome not in {200} | stale
                and not any(each.lost for each in upload.of('complete'))):
            self._wrong(upload, 'a Complete that failed has ended it')

    def _repeat_complete(self, upload):
        wanted = next(call for call in upload.of('complete') if call.outcome == 200)
        listed = [(number, etag) for number, etag in upload.listed]
        while b''.join(upload.parts[number] for number, _etag in listed) != wanted.content:
            listed.pop()
        is_current = self._reader.request('HEAD', upload.bucket, upload.key).headers.get('ETag') == f'"{wanted.etag}"'
        self._expect(upload, {200} if is_current else {NO_SUCH_UPLOAD}, Call('repeated complete'),
                     lambda: self._later.complete(upload.bucket, upload.key, upload.id, listed))
        self._expect(upload, {NO_SUCH_UPLOAD}, Call('abort of a finished upload'), lambda: self._abort(upload))

    def _end_unknown(self):
        """Abort the uploads that no client knows, because the answers to their Initiates were lost."""
        for bucket in BUCKETS:
            listed = self._listed_uploads(bucket)
            known = {upload.id for upload in self._history.uploads}
            lost = sum(call.lost for call in self._history.calls if call.kind == 'initiate')
            unknown = [pair for pair in listed if pair[1] not in known]
            if len(unknown) != len(listed) or len(unknown) > lost:
                self.problems.append(f'{bucket}: these uploads are still open: {listed}')
            for key, upload_id in unknown:
                answer = self._later.abort(bucket, key, upload_id)
                if answer.outcome != 204:
                    self.problems.append(f'{bucket}/{key}: the Abort of {upload_id} answers {answer.outcome}')
            left = self._listed_uploads(bucket)
            if left:
                self.problems.append(f'{bucket}: these uploads are still open: {left}')

    # What is left

    def _explain(self):
        """Check that every object in the segments containers is part of an object, or of a kind that may be left."""
        names = segment_names(self._swift)
        on_disks = stored(self._machines.cluster)
        by_id = {upload.id: upload for upload in self._history.uploads}
        for bucket in BUCKETS:
            container = f'{bucket}_segments'
            listed, there = set(names[bucket]), {name for place, name in on_disks if place == container}
            listed = {name for name in listed if name in there or not may_return(name)}
            if listed != there:
                self.problems.append(f'{container}: listed only {sorted(listed - there)}, '
                                     f'stored only {sorted(there - listed)}')
            used = parts_in_use(self._swift, bucket)
            if not used <= there:
                self.problems.append(f'{bucket}: parts of its objects are gone: {sorted(used - there)}')
            current = {name.rsplit('/', 1)[0] for name in used}
            for name in sorted(listed - used):
                key, upload_id, *rest = name.split('/')
                kind = self._kind(bucket, name, by_id.get(upload_id), rest, f'{key}/{upload_id}' in current)
                if kind.startswith('!'):
                    self.problems.append(f'{container}: nothing explains {name}: {kind[1:]}')
                else:
                    self.leftovers[kind] += 1

    def _kind(self, bucket, name, upload, rest, is_current):
        """Return the kind of an object in a segments container; with an exclamation mark if it must not be there."""
        if not rest:
            content_type = self._swift.head_object(f'{bucket}_segments', name)['content-type']
            aborted = 'state=aborted' in content_type and (upload is None or self._aborted(upload))
            return 'markers of aborted uploads' if aborted else f'!a marker {content_type}'
        if upload is None:
            return '!no client began it'
        troubled = upload.id in self._troubled
        if rest == ['complete']:
            return 'intents' if troubled else '!the intent of a Complete that was not disturbed'
        if rest == ['freed']:
            return 'notes about parts that were freed'
        if self._aborted(upload):
            return '!a part of an aborted upload'
        # While a container is being sharded, its listing may lack new rows. Of a part that was sent again the cache
        # then tells a Complete the name of the last attempt only.
        if not troubled and not (self._machines.sharding and upload.is_rewritten):
            return '!a part that its Complete, or what replaced the object, should have freed'
        return 'parts that were not listed' if is_current else 'parts of replaced objects'

    def _is_troubled(self, upload):
        """Return whether a call that ended or replaced an upload was disturbed, or overlapped another such call."""
        if len(upload.of('complete')) + len(upload.of('abort')) > 1:
            return True
        # An object that nobody saw before it was replaced has to wait for a clean-up.
        writes = self._writes_of(upload)
        return not self._is_calm(upload.calls + writes) or any(
            one.began < other.ended and other.began < one.ended
            for one, other in itertools.combinations(writes, 2))

    def _is_calm(self, calls):
        return all(call.began > self._calm_from and not call.lost for call in calls)

    def _writes_of(self, upload):
        key = (upload.bucket, upload.key)
        return [*self._history.writes.get(key, []),
                *(call for each in self._history.uploads if (each.bucket, each.key) == key
                  for call in each.of('complete'))]

    # Requests

    def _listed_uploads(self, bucket):
        root = self._later.list_uploads(bucket).xml('ListMultipartUploadsResult')
        return [(each.findtext('Key'), each.findtext('UploadId')) for each in root.iter('Upload')]

    def _complete(self, upload):
        return self._later.complete(upload.bucket, upload.key, upload.id, upload.listed)

    def _abort_call(self, upload):
        call = Call('abort')
        upload.calls.append(call)
        return call

    def _abort(self, upload):
        return self._later.abort(upload.bucket, upload.key, upload.id)

    def _expect(self, upload, expected, call, send):
        for _ in range(REPEATS):
            try:
                call.outcome = outcome(send(upload) if call in upload.calls else send())
            except (OSError, http.client.HTTPException):
                call.outcome = None
            if call.outcome is not None:
                call.ended = time.monotonic()
                break
            time.sleep(0.5)
        if call.outcome not in expected:
            self._wrong(upload, f'{call.kind} answers {call.outcome} instead of {expected}')

    def _completed(self, upload):
        return any(call.outcome == 200 for call in upload.of('complete'))

    def _aborted(self, upload):
        return any(call.outcome == 204 for call in upload.of('abort'))

    def _wrong(self, upload, what):
        self.problems.append(f'{upload.bucket}/{upload.key} {upload.id}: {what}; ' + ', '.join(
            f'{call.kind} {call.outcome} ({call.lost} lost)' for call in upload.calls))
