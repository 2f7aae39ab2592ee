# SPDX-License-Identifier: Apache-2.0
"""Which uploads a sweep may end, and what it may delete, by records and age."""
import pytest
from swift.common.utils import Timestamp

from s3multi.s3.bucket_lifecycle import Lifecycle, Rule
from s3multi.sweep import rules
from s3multi.sweep.rules import Limits
from s3multi.upload.abort_rules import AbortRules
from s3multi.upload.names import Upload
from s3multi.upload.records import LEASE_SECONDS, State, UploadMarker
from s3multi.upload.timestamps import swift_time
from tests.unit.fakes import IDS

TICKS = 1790000000 * 100000
DAY_SECONDS = 86400.0
DAY = int(DAY_SECONDS) * 100000
UPLOAD = Upload('AUTH_a', 'bucket', 'key', IDS.new('AUTH_a', 'bucket', 'key', TICKS))


def at(days):
    """Return the time ``days`` after the upload began."""
    return swift_time(int(TICKS + days * DAY))


def marker(state, days=0):
    return UploadMarker(state, swift_time(TICKS), aborted_at=at(days) if days else None)


@pytest.mark.parametrize('age, days, aborts', [
    (None, 400, False), (2 * DAY_SECONDS, 1.9, False), (2 * DAY_SECONDS, 2.1, True), (60.0, 0.1, True)])
def test_forgotten_uploads(age, days, aborts):
    """Without an age no upload is aborted. With one, those are aborted that were initiated longer ago."""
    limits = Limits(abort_older_than=age)

    assert aborts == rules.may_abort(UPLOAD, 0, limits, at(days))


@pytest.mark.parametrize('prefix, days, rule', [
    ('k', 7.3, None), ('k', 7.5, 'of the bucket'), ('x', 7.5, None), ('x', 100, 'abort_uploads_after_days')])
def test_rules_of_the_bucket(prefix, days, rule):
    """Uploads are aborted after the midnight that follows, and the rule is told."""
    limits = Limits(abort_rules=AbortRules(Lifecycle((Rule('of the bucket', prefix, 7),)), default_days=90))

    assert (rule is not None) is rules.may_abort(UPLOAD, 0, limits, at(days))
    assert rule == rules.rule_to_abort(UPLOAD, limits, at(days))


@pytest.mark.parametrize('ended_before, days, aborts', [
    (TICKS - 1, 9, False), (TICKS, 9, True), (TICKS + DAY, 9, True), (TICKS, 1.9, False)])
def test_uploads_of_a_bucket_that_was_deleted(ended_before, days, aborts):
    """They are aborted after the grace. Uploads that are newer than the deletion belong to the present bucket."""
    assert aborts == rules.may_abort(UPLOAD, ended_before, Limits(), at(days))


@pytest.mark.parametrize('ended, over', [(at(0), True), (at(7.9), True), (at(8.1), False), (Timestamp(0), True)])
def test_when_an_upload_is_over(ended, over):
    """It is over after the grace, or if Swift has forgotten the time, which takes a week."""
    assert over == rules.is_over(ended, Limits(), at(10))


@pytest.mark.parametrize('days, forgets', [(0, True), (7.9, True), (8.1, False)])
def test_when_an_abort_is_forgotten(days, forgets):
    """It is forgotten a grace after the Abort or, if that time is not known, after the Initiate."""
    assert forgets == rules.may_forget(marker(State.ABORTED, days), Limits(), at(10))


@pytest.mark.parametrize('state, aborted, rests', [
    (State.ABORTED, 8.1, True), (State.ABORTED, 7.9, False), (State.ABORTED, 0, False), (State.ABORTING, 8.1, False),
    (State.OPEN, 8.1, False), (None, 8.1, False)])
def test_aborts_that_need_not_be_asked_about(state, aborted, rests):
    """Those within the grace, if it is known when they were."""
    assert rests == rules.is_resting(state, at(aborted) if aborted else None, Limits(), at(10))


@pytest.mark.parametrize('note, claimed', [
    ('', False), (rules.claim_of('own', 1000.0), False), (rules.claim_of('other', 1000.0), True),
    (rules.claim_of('other', 1000.0 - rules.CLAIM_SECONDS - 1), False), (rules.claim_of('other', 9000.0), False),
    ('x other', False), ('1e9 other', False)])
def test_claims(note, claimed):
    """One of another run counts until its time is over; what a wrong clock or somebody else has left does not."""
    assert claimed == rules.is_claimed(note, 'own', 1000.0)


def test_the_grace():
    """It is much longer than a lease, and no longer than Swift remembers a deletion."""
    assert 10 * LEASE_SECONDS < rules.LEAST_GRACE_SECONDS < rules.GRACE_SECONDS < rules.MOST_GRACE_SECONDS
    assert 7 * DAY_SECONDS >= rules.MOST_GRACE_SECONDS
