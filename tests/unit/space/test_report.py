# SPDX-License-Identifier: Apache-2.0
"""The report on space: sums, what is told first, and what reaches the terminal and the page."""
import io
import json
import re

import lxml.html
import pytest

from s3multi.commands.queue import QueueState
from s3multi.space.holdings import ABORTED, ELSEWHERE, OBJECT, OPEN, Holding
from s3multi.space.page import render
from s3multi.space.report import Report, exit_code, show_age, show_bytes
from s3multi.upload.names import Upload
from tests.unit.fakes import IDS

TICKS = 1790000000 * 100000
HOSTILE = '<script>\x1b[31m"&\n'


def held(size, kind=OPEN, key='key', bucket='bucket'):
    """Return what an upload holds."""
    upload = Upload('AUTH_a', bucket, key, IDS.new('AUTH_a', bucket, key, TICKS))
    return Holding(upload, kind, 'tester', 1, 2, size)


def reported(*holdings, as_json=True, top=3, queue=None, interrupted=False, unread=()):
    """Return the lines of a report, and what was found."""
    out = io.StringIO()
    report = Report(out, None, as_json, top)
    for holding in holdings:
        report.add(holding)
    for place in unread:
        report.unreadable(*place, OSError('why'))
    found = report.end(interrupted, queue)
    lines = out.getvalue().splitlines()
    return [json.loads(line) for line in lines] if as_json else lines, found


def test_sums_by_bucket_and_kind():
    """The bucket from which most can be got back comes first; what objects hold does not count for that."""
    lines, _ = reported(held(5), held(7, OPEN, 'other'), held(10 ** 6, OBJECT), held(90, ELSEWHERE, bucket='films'))

    assert [('films', {'elsewhere': {'uploads': 1, 'attempts': 2, 'bytes': 90}}),
            ('bucket', {'open': {'uploads': 2, 'attempts': 4, 'bytes': 12},
                        'object': {'uploads': 1, 'attempts': 2, 'bytes': 10 ** 6}})] == [
        (line['bucket'], line['kinds']) for line in lines if line['event'] == 'bucket']
    total = lines[-1]
    assert ('report', 2, 12, 90) == (total['event'], total['buckets'], total['kinds']['open']['bytes'],
                                     total['kinds']['elsewhere']['bytes'])


def test_the_largest_uploads_come_first():
    """As many as are asked for. What is the object at its key is none of them, nor a marker without parts."""
    lines, _ = reported(*(held(size, key='key%d' % size) for size in (3, 9, 1, 7, 5)), held(100, OBJECT),
                        held(0, ABORTED))

    found = [line for line in lines if line['event'] == 'upload']
    assert [9, 7, 5] == [line['bytes'] for line in found]
    assert ('AUTH_a', 'bucket', 'key9', 'open', 'tester', '2026-09-21T14:13:20Z', 1, 2) == tuple(
        found[0][name] for name in ('account', 'bucket', 'key', 'kind', 'initiator', 'initiated', 'parts', 'attempts'))
    assert 0 < found[0]['age_seconds']


@pytest.mark.parametrize('more, code', [
    ({}, 0), ({'unread': [('AUTH_b', None)]}, 1), ({'interrupted': True}, 3)], ids=str)
def test_exit_codes(more, code):
    """Cron learns from the code whether the report is whole."""
    lines, found = reported(held(1), **more)

    assert code == exit_code(found)
    assert len(more.get('unread', ())) == lines[-1]['unreadable'] == len([
        line for line in lines if line['event'] == 'unreadable' and 'OSError: why' == line['reason']])


def test_the_queue_of_the_expirer():
    """Length and warnings are those of the sweep."""
    lines, _ = reported(queue=QueueState(7, 3 * 86400.0, 0))
    assert {'length': 7, 'overdue_seconds': 259200, 'unreported': 0} == lines[-1]['expirer_queue']
    assert 'swift-object-expirer' in lines[-1]['warnings'][0]


def test_text_for_people():
    """Nothing that a user has chosen is obeyed by the terminal."""
    lines, _ = reported(held(3 << 30), held(1, key=HOSTILE), as_json=False)

    text = '\n'.join(lines)
    assert text.isascii() and '\x1b' not in text
    assert re.search(r'^open +2 +4 +3\.0 GiB +in progress$', text, re.M)
    assert re.search(r'^ +3\.0 GiB  AUTH_a/bucket$', text, re.M)
    assert re.search(r'^ +3\.0 GiB  open .*AUTH_a/bucket/"key" \S+ by tester$', text, re.M)


def test_the_page_shows_the_same():
    """All names are text, nothing is fetched and nothing runs."""
    _, found = reported(held(3 << 30, key=HOSTILE), held(10, ABORTED, 'b'), held(5, ELSEWHERE), held(9, OBJECT),
                        interrupted=True, queue=QueueState(7, 0.0, 0), unread=[('AUTH_b', None)])
    page = lxml.html.fromstring(render(found, 20))

    assert [] == page.xpath('//script | //link | //img | //@src | //@href')
    assert HOSTILE in page.xpath('//td/text()')
    assert 3 == len(page.xpath('//circle/title')) == len(page.xpath('//rect/title'))
    assert {'3.0 GiB', '10 bytes'} <= set(page.xpath('//td/text()'))
    for text in ('The queue of the object expirer holds 7 tasks.', 'interrupted', '1 places could not be read.'):
        assert any(text in paragraph for paragraph in page.xpath('//p/text()'))


def test_the_page_tells_what_no_logarithm_shows():
    """An upload without parts lies at the edge of the plot, and is said to hold nothing."""
    page = lxml.html.fromstring(render(reported(held(0))[1], 20))

    assert [True] == [title.startswith('open, ') and title.endswith(', 0 bytes')
                      for title in page.xpath('//circle/title/text()')]


def test_the_page_of_nothing():
    """A cluster without uploads has a page too."""
    assert 'Space of multipart uploads' in render(reported()[1], 20)


@pytest.mark.parametrize('size, text', [
    (0, '0 bytes'), (1, '1 byte'), (1023, '1023 bytes'), (1024, '1.0 KiB'), (1536, '1.5 KiB'), (200 << 20, '200 MiB'),
    (5 << 40, '5.0 TiB'), (3 << 60, '3072 PiB')])
def test_bytes_for_people(size, text):
    """Two or three digits say enough."""
    assert text == show_bytes(size)


@pytest.mark.parametrize('seconds, text', [
    (0, '0 seconds'), (119, '119 seconds'), (120, '2 minutes'), (7200, '2 hours'), (172800, '2 days'),
    (172800 * 50, '100 days')])
def test_ages_for_people(seconds, text):
    """In the largest unit of which there are two."""
    assert text == show_age(seconds)
