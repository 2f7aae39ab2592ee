# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a segment or an object, and who can mend it."""
import hashlib

import pytest
from swift.common.utils import Timestamp

from s3multi.check.rules import Finding, Mender, Problem, Seen, contradiction, judge, mender
from s3multi.s3.etags import multipart_etag
from s3multi.upload.manifest import Segment, slo_sums

ONE, TWO = hashlib.md5(b'one').hexdigest(), hashlib.md5(b'two').hexdigest()
SEGMENTS = [Segment('/c/one', 3, False, ONE), Segment('/c/two', 3, False, TWO)]
ETAG = hashlib.md5((ONE + TWO).encode()).hexdigest()
S3_ETAG = multipart_etag([ONE, TWO])


@pytest.mark.parametrize('seen, finding', [
    (Seen(True, ONE, 3), None),
    (Seen(True, TWO, 3), Finding.CHANGED),
    (Seen(True, ONE, 4), Finding.CHANGED),
    (Seen(False), Finding.MISSING),
    (Seen(False, has_expired=True), Finding.EXPIRED),
], ids=str)
def test_segments(seen, finding):
    """One has to be there, with its ETag and its size: at any other, SLO ends the read."""
    assert finding is judge(SEGMENTS[0], seen)


@pytest.mark.parametrize('told, said', [
    ((ETAG, '6', S3_ETAG), ''),
    (('', '', ''), ''),
    ((ETAG, '6', ETAG), ''),
    ((TWO, '6', S3_ETAG), 'Swift API'),
    ((ETAG, '7', S3_ETAG), 'size'),
    ((ETAG, '6', multipart_etag([TWO, ONE])), 'in S3'),
    # Stock s3api counted an empty last part, of which SLO stores nothing.
    ((ETAG, '6', multipart_etag([ONE, TWO, hashlib.md5().hexdigest()])), ''),
])
def test_metadata(told, said):
    """What the object says of itself has to agree with its manifest."""
    found = contradiction(SEGMENTS, *told)

    assert said in found and bool(said) == bool(found)


def test_metadata_of_ranges():
    """SLO counts only the bytes of a range, and the ETag of S3 is not that of segments that are read in part."""
    segments = [Segment('/c/one', 3, False, ONE, '1-2'), SEGMENTS[1]]
    etag = hashlib.md5(('%s:1-2;%s' % (ONE, TWO)).encode()).hexdigest()

    assert (etag, 5) == slo_sums(segments)
    assert '' == contradiction(segments, etag, '5', S3_ETAG)


@pytest.mark.parametrize('problem, who, how', [
    (Problem(Finding.MISSING, '/c/one', seen=Seen(False, written=Timestamp(1790000000)), is_listed=False),
     Mender.OWNER, 'deleted at 2026-09-21T14:13:20'),
    (Problem(Finding.MISSING, '/c/one', is_listed=True), Mender.OPERATOR, 'bring back devices'),
    (Problem(Finding.MISSING, '/c/one', is_listed=False), Mender.OWNER, 'nothing is left'),
    (Problem(Finding.MISSING, '/c/one'), Mender.OWNER, 'nothing is left'),
    (Problem(Finding.EXPIRED, '/c/one'), Mender.OPERATOR, 'X-Delete-At'),
    (Problem(Finding.CHANGED, '/c/one'), Mender.OWNER, 'other bytes'),
    (Problem(Finding.DAMAGED, '/c/one'), Mender.SWIFT, 'auditor'),
    (Problem(Finding.TOO_DEEP, '/c/one'), Mender.OWNER, '10 levels'),
    (Problem(Finding.LOST), Mender.OPERATOR, 'row is stale'),
    (Problem(Finding.MANIFEST), Mender.OWNER, 'upload the object again'),
    (Problem(Finding.SUMS), Mender.OWNER, 'upload the object again'),
], ids=lambda value: value.finding.value if isinstance(value, Problem) else None)
def test_who_mends(problem, who, how):
    """What was deleted is its owner's business; what no server has may be on a device that is out."""
    found, advice = mender(problem)

    assert who is found
    assert how in advice


def test_every_finding_has_a_mender():
    """None is told without advice."""
    assert all(mender(Problem(finding))[1] for finding in Finding)
