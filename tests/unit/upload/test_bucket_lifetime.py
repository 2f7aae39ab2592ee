# SPDX-License-Identifier: Apache-2.0
"""Which uploads a bucket has from an earlier bucket of its name."""
import pytest
from swift.common.utils import Timestamp
from swift.proxy.controllers.base import headers_to_container_info

from s3multi.upload.bucket_lifetime import ended_before
from tests.unit.fakes import IDS, RecordingSwift, bucket_of

DELETED = Timestamp('1790000000.12345')
DAY = 86400 * 100000


def info(created=0.0, put=0.0, deleted=0.0, status_changed=0.0):
    """Return Swift's container info for an answer of a container server with these times."""
    times = {'X-Backend-Timestamp': created, 'X-Backend-Put-Timestamp': put, 'X-Backend-Delete-Timestamp': deleted,
             'X-Backend-Status-Changed-At': status_changed}
    return headers_to_container_info({name: Timestamp(time).internal for name, time in times.items()}, 204)


def test_the_last_deletion_counts():
    """It counts to the tick of 10 microseconds, the unit of the time in upload ids."""
    assert DELETED.raw == ended_before(info(deleted=DELETED, created=1780000000, put=1790000001))


def test_what_happens_to_a_bucket_otherwise_does_not_count():
    """A PUT or POST of the bucket, or a time that a replicator sets, ends no uploads."""
    assert 0 >= ended_before(info(put=1790000000, status_changed=1790000000))


def test_a_bucket_that_was_forgotten():
    """If Swift has forgotten that the bucket was deleted, its age tells it, though only to a day."""
    began = ended_before(info(created=DELETED))

    assert DELETED.raw - 7 * DAY < began < DELETED.raw - 5 * DAY


@pytest.mark.parametrize('unknown', [{}, headers_to_container_info({}, 0), headers_to_container_info({}, 503)],
                         ids=['nothing', 'no-account', 'no-answer'])
def test_a_bucket_of_which_nothing_is_known(unknown):
    """Then no upload counts as ended."""
    assert 0 >= ended_before(unknown)


@pytest.mark.parametrize('later, known', [(-1, False), (0, False), (1, True)])
def test_uploads_are_known_from_the_deletion_on(later, known):
    """An upload with the very time of the deletion counts as older."""
    bucket = bucket_of(RecordingSwift(), info=info(deleted=DELETED))
    upload_id = IDS.new('AUTH_a', 'bucket', 'key', DELETED.raw + later)

    assert known is bucket.knows('key', upload_id)
    assert not bucket.knows('other', upload_id)
