# SPDX-License-Identifier: Apache-2.0
"""The report as one HTML file with plots, which needs nothing else to be read."""
import math
from collections.abc import Iterable, Sequence
from html import escape

from s3multi.space.holdings import ABORTED, ABORTING, ELSEWHERE, KINDS, MEANINGS, OBJECT, OPEN, BucketSum, Holding
from s3multi.space.report import Finding, show_age, show_bytes

_COLOURS = {OPEN: '#1f5fa8', ABORTING: '#8a5fb0', ABORTED: '#c05a11', OBJECT: '#c8ccd0', ELSEWHERE: '#b0902a'}
_STYLE = '''body { font-family: sans-serif; max-width: 70em; margin: 2em auto; color: #222 }
table { border-collapse: collapse; margin: 1em 0 } td, th { padding: .25em .8em; text-align: left }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
tr:nth-child(even) { background: #f4f6f8 }
td { overflow-wrap: anywhere }'''
_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 820, 340, 90, 40
_BAR_HEIGHT, _NAME_WIDTH = 22, 300


def render(found: Finding, top: int) -> str:
    """Return the HTML document. top: how many buckets are drawn."""
    buckets = [bucket for bucket in found.buckets if bucket.unfinished_bytes][:top]
    return '\n'.join([
        '<!DOCTYPE html>', '<html lang="en"><head><meta charset="utf-8">',
        # Nothing is fetched and no script runs, whatever the names below are.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'unsafe-inline\'">',
        '<title>Space of multipart uploads</title><style>%s</style></head><body>' % _STYLE,
        '<h1>Space of multipart uploads</h1>', *_notices(found), *_totals(found),
        '<h2>Age against bytes</h2>', *_ages(found.uploads, found.now),
        '<h2>Buckets with the most bytes that are no object\'s at its key</h2>', *_bars(buckets),
        '<h2>Uploads with the most bytes</h2>', *_uploads(found), '</body></html>', ''])


def _notices(found: Finding) -> 'Iterable[str]':
    texts = [*(found.queue.warnings if found.queue else [])]
    if found.queue:
        texts.insert(0, 'The queue of the object expirer holds %d tasks.' % found.queue.length)
    if found.interrupted:
        texts.append('The command was interrupted: this is not all.')
    if found.unread:
        texts.append('%d places could not be read.' % found.unread)
    return ('<p>%s</p>' % escape(text) for text in texts)


def _table(heads: 'Sequence[str]', numbers: 'Sequence[int]', rows: 'Iterable[Sequence[str]]') -> 'Iterable[str]':
    """Yield a table. numbers: which columns have numbers."""
    def line(tag: str, cells: 'Sequence[str]') -> str:
        return '<tr>%s</tr>' % ''.join('<%s%s>%s</%s>' % (
            tag, ' class="number"' if place in numbers else '', escape(cell), tag) for place, cell in enumerate(cells))

    yield '<table>' + line('th', heads)
    for cells in rows:
        yield line('td', cells)
    yield '</table>'


def _totals(found: Finding) -> 'Iterable[str]':
    def row(kind: str) -> 'list[str]':
        uploads, attempts, size = found.total(kind)
        return [kind, '%d' % uploads, '%d' % attempts, show_bytes(size), MEANINGS[kind]]

    return _table(('Kind', 'Uploads', 'Attempts', 'Bytes', 'Meaning'), (1, 2, 3), map(row, KINDS))


def _uploads(found: Finding) -> 'Iterable[str]':
    return _table(
        ('Bytes', 'Kind', 'Age', 'Parts', 'Account', 'Bucket', 'Key', 'Upload id', 'Initiator'), (0, 2, 3),
        ([show_bytes(each.bytes), each.kind, show_age(found.now - each.began), '%d' % each.parts, each.upload.account,
          each.upload.bucket, each.upload.key, each.upload.id, each.initiator] for each in found.uploads))


def _svg(height: int, lines: 'Iterable[str]') -> 'Iterable[str]':
    yield '<svg width="%d" height="%d" viewBox="0 0 %d %d" font-size="12">' % (_WIDTH, height, _WIDTH, height)
    yield from lines
    yield '</svg>'


def _bars(buckets: 'Sequence[BucketSum]') -> 'Iterable[str]':
    most = max((bucket.unfinished_bytes for bucket in buckets), default=1)

    def lines() -> 'Iterable[str]':
        for place, bucket in enumerate(buckets):
            x, y = float(_NAME_WIDTH), place * _BAR_HEIGHT
            yield '<text x="%d" y="%d" text-anchor="end">%s</text>' % (
                _NAME_WIDTH - 8, y + 15, escape(('%s/%s' % (bucket.account, bucket.bucket))[-45:]))
            for kind in KINDS:
                width = (_WIDTH - _NAME_WIDTH - 90) * bucket.bytes[kind] / most if kind != OBJECT else 0
                if width:
                    yield '<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"><title>%s</title></rect>' % (
                        x, y + 3, width, _BAR_HEIGHT - 6, _COLOURS[kind], kind)
                x += width
            yield '<text x="%.1f" y="%d">%s</text>' % (x + 6, y + 15, show_bytes(bucket.unfinished_bytes))

    return _svg(max(len(buckets), 1) * _BAR_HEIGHT, lines())


def _ages(uploads: 'Sequence[Holding]', now: float) -> 'Iterable[str]':
    """Yield the plot of all uploads that are told of. Both axes are logarithmic."""
    # What is younger than a minute, or holds nothing, is shown at the edge.
    points = [(max(now - each.began, 60), max(each.bytes, 1), each) for each in uploads]
    ages, sizes = _decades(60, 3600, [point[0] for point in points]), _decades(1, 1024, [point[1] for point in points])

    def x(age: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - 20) * _share(age, *ages)

    def y(size: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - 20) * _share(size, *sizes)

    def lines() -> 'Iterable[str]':
        for tick in (60, 3600, 86400, 10 * 86400, 100 * 86400, 1000 * 86400):
            if ages[0] <= tick <= ages[1]:
                yield '<path d="M%.1f 20V%d" stroke="#ddd"/>' % (x(tick), _HEIGHT - _BOTTOM)
                yield '<text x="%.1f" y="%d" text-anchor="middle">%s</text>' % (
                    x(tick), _HEIGHT - 20, {60: '1 minute', 3600: '1 hour', 86400: '1 day'}.get(tick, show_age(tick)))
        for power in range(6):
            if sizes[0] <= 1024 ** power <= sizes[1]:
                yield '<path d="M%d %.1fH%d" stroke="#ddd"/>' % (_LEFT, y(1024 ** power), _WIDTH - 20)
                yield '<text x="%d" y="%.1f" text-anchor="end">%s</text>' % (
                    _LEFT - 8, y(1024 ** power) + 4, show_bytes(1024 ** power))
        for age, size, each in points:
            yield '<circle cx="%.1f" cy="%.1f" r="4" fill="%s" fill-opacity=".6"><title>%s, %s, %s</title></circle>' % (
                x(age), y(size), _COLOURS[each.kind], each.kind, show_age(now - each.began), show_bytes(each.bytes))
        for place, kind in enumerate(kind for kind in KINDS if kind != OBJECT):
            yield '<circle cx="%d" cy="8" r="4" fill="%s"/><text x="%d" y="12">%s</text>' % (
                _LEFT + 110 * place, _COLOURS[kind], _LEFT + 8 + 110 * place, kind)

    return _svg(_HEIGHT, lines())


def _decades(low: float, high: float, values: 'Sequence[float]') -> 'tuple[float, float]':
    """Return the range of an axis: at least from ``low`` to ``high``, and all ``values``."""
    return min([low, *values]), max([high, *values]) * 1.2


def _share(value: float, low: float, high: float) -> float:
    return math.log(value / low) / math.log(high / low)
