# SPDX-License-Identifier: Apache-2.0
"""No readable object, version or manifest ever loses a part, whatever happens to a key through S3 and the Swift API.

By chance, and along lines: without one of the steps that protect the parts, the same happenings lose one.
"""
import contextlib
import random
from unittest import mock

import pytest

from s3multi.filters import s3api, shared_parts
from s3multi.operations import references, replaced_objects
from s3multi.operations.references import References
from s3multi.storage.notes import Notes
from s3multi.storage.objects import Objects
from s3multi.storage.requests import Target
from s3multi.storage.segments import Segments
from s3multi.upload.records import GRACE_SECONDS

from .account import DAY_SECONDS
from .histories import BUCKET, KEY, OTHER, History, Lost
from .many_histories import by_chance

RUNS_EACH = 8
LATER = ('wait', 1.1 * GRACE_SECONDS)
MUCH_LATER = ('wait', 8 * DAY_SECONDS)


@pytest.mark.parametrize('first', range(0, 3 * RUNS_EACH, RUNS_EACH))
def test_by_chance(first):
    """Copies of manifests, links, restores, versions, buckets that go, late rows, sweeps: nothing is lost, nor left."""
    for seed in range(first, first + RUNS_EACH):
        by_chance(seed)


def _delete_any(segments):
    segments._backend.call('DELETE', Target(segments._container), (404, 409))


def _at_key(objects, key, version_id=None, *, newest=True, expired=False):
    return AT_KEY(objects, key, version_id, newest=newest)


AT_KEY = Objects.at_key

# What requests free, without a sweep.
FREEING = (
    ('put', (('upload',), ('put',))), ('delete', (('upload',), ('delete',))), ('upload', (('upload',), ('upload',))),
    ('copy', (('upload',), ('copy', '', (BUCKET, 'copy')), ('put',))),
    ('delete-many', (('upload',), ('delete_many', False))),
    ('put-over-what-has-expired', (('upload',), ('expires', 10), ('wait', 60), ('put',))),
    ('upload-over-what-has-expired', (('upload',), ('expires', 10), ('wait', 60), ('upload',))),
    ('late-rows', (('rows_are_late', 1), ('put',), ('rows_are_late', 0), ('upload',), ('put',))),
    ('old-version', (('keep_versions',), ('upload',), ('put',), LATER, ('delete_version', -1))),
    ('very-old-version', (('keep_versions',), ('upload',), ('put',), MUCH_LATER, ('delete_version', -1))),
    ('old-current-version', (('keep_versions',), ('put',), ('upload',), LATER, ('delete_version', 0))),
    ('object-from-before', (('upload',), ('keep_versions',), ('put',), LATER, ('delete_version', -1))),
    ('null-version', (('keep_versions',), ('put',), ('keep_versions', False), ('upload',), LATER,
                      ('delete_version', 0))),
)

# The step; what undoes it; whether the cluster can keep versions; the happenings.
STEPS = (
    ('all versions are asked', mock.patch.object(References, '_versions', lambda *_: {}), True, (
        ('keep_versions',), ('upload',), ('put',), MUCH_LATER, ('restore',), ('put',), LATER, ('delete_version', 1),
        LATER, ('sweep',))),
    ('what may have become a version just now is waited for', mock.patch.object(
        references, 'may_just_have_moved', lambda *_: False), True, (
        ('upload',), MUCH_LATER, ('keep_versions',), ('rows_are_late', 1), ('put',), ('sweep',))),
    ('a restore is noted', mock.patch.object(Notes, 'shared', lambda *_: None), True, (
        ('keep_versions',), ('upload',), ('put',), LATER, ('rows_are_late', 1), ('restore',),
        ('rows_are_late', 0), ('put',), ('delete_version', -1))),
    ('a copy of a manifest is noted', mock.patch.object(shared_parts, 'watch', lambda *_: None), True, (
        ('upload',), ('copy_manifest',), ('delete',))),
    ('... and so is a link', mock.patch.object(shared_parts, 'watch', lambda *_: None), True, (
        ('upload',), ('put_link',), ('put',))),
    ('... and a dynamic large object', mock.patch.object(shared_parts, 'watch', lambda *_: None), True, (
        ('upload',), ('put_dynamic', (OTHER, 'copy')), ('put',))),
    ('... where it is, for the sweep', mock.patch.object(Notes, 'places', lambda *_: []), True, (
        ('upload',), ('copy_manifest',), ('api_delete',), LATER, ('sweep',))),
    ('no manifest is made of what is being deleted', mock.patch.object(Notes, 'is_claimed', lambda *_: False), True, (
        ('upload',), ('save',), ('delete',), ('put_saved', (BUCKET, 'copy')), ('expire',))),
    ('a prefix is decoded', mock.patch.object(references, 'wsgi_unquote', lambda text: text), True, (
        ('upload',), ('put_dynamic', (BUCKET, KEY), False, True), LATER, ('sweep',))),
    ('SLO deletes no parts of ours', mock.patch.object(replaced_objects, '_lists_ours', lambda *_: False), True, (
        ('keep_versions',), ('upload',), ('save',), ('put_saved',), ('delete_version', 0))),
    ('a container that is not ours stays', mock.patch.object(Segments, 'delete', _delete_any), True, (
        ('put_foreign',), ('sweep',))),
    ('... also when its bucket is deleted', mock.patch.object(Segments, 'delete', _delete_any), True, (
        ('put_foreign', OTHER + '_segments'), ('delete_other_bucket',))),
    ('what is no version id is refused', mock.patch.object(s3api, 'check_versions', lambda *_: None), False, (
        ('upload',), ('copy', 'a%26multipart-manifest%3Dget'))),
    ('what has expired is freed when something is put over it', mock.patch.object(Objects, 'at_key', _at_key), True, (
        ('upload',), ('expires', 10), ('wait', 60), ('put',), ('expire',), ('nothing_is_left',))),
)
each_step = pytest.mark.parametrize('undone, versions, lines', [
    pytest.param(*step[1:], id=step[0]) for step in STEPS])


def play(undone, versions, lines):
    """Have the lines happen, with a step undone."""
    history = History(random.Random(1), versions)
    with history.account.in_charge(), undone:
        history.begin()
        for what, *arguments in lines:
            history.happen(what, *arguments)


@pytest.mark.parametrize('lines', [pytest.param(lines, id=name) for name, lines in FREEING])
def test_what_requests_free(lines):
    """The parts of what they replace or delete, once the expirer has come."""
    play(contextlib.nullcontext(), True, (*lines, ('expire',), ('nothing_is_left',)))


@each_step
def test_with_the_step(undone, versions, lines):
    """Nothing is lost."""
    play(contextlib.nullcontext(), versions, lines)


@each_step
def test_without_the_step(undone, versions, lines):
    """Something is."""
    with pytest.raises(Lost):
        play(undone, versions, lines)
