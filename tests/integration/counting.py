# SPDX-License-Identifier: Apache-2.0
"""Counts of the requests that s3multi sends, by method and by what they are for; and uploads of many parts, quickly."""

from __future__ import annotations

import contextlib
import re
import time
from collections import Counter

from s3multi.upload.marker_names import bucket_of_markers
from s3multi.upload.names import ATTEMPT_LENGTH, Upload as Layout, attempt_ticks, new_attempt, split_marker

from .uploads import add_rows
from .users import account

_PART = re.compile(r'/[0-9]{8}-[^/]{%d}' % ATTEMPT_LENGTH)
_NOTE = re.compile(r'/(freed|shared(-[^/]{13})?)$')
_ROWS_AT_ONCE = 5000


def purpose(method, path):
    """Return what a request is for. path: container, or container and object, as a FaultFilter logs it."""
    if method == 'UPDATE':
        return 'expirer queue'
    container, slash, name = path.partition('/')
    segments, markers = container.endswith('_segments'), bucket_of_markers(container)
    if not slash:
        return ('account' if container == account() else 'segments container' if segments
                else 'markers' if markers else 'bucket')
    if markers or segments and split_marker(name):
        return 'marker'
    if not segments:
        return 'object'
    if _NOTE.search(name):
        return 'note'
    return 'intent' if name.endswith('/complete') else 'part' if _PART.search(name) else 'other'


class Counts:
    """What passed a filter: `counts` by "METHOD purpose", and `order`, the same as a list."""

    def __init__(self):
        self.order = []

    @property
    def counts(self):
        return dict(Counter(self.order))


@contextlib.contextmanager
def counting(faults, *rules):
    """Hand over Counts of what passes the FaultFilter inside the with block and behind its answers, filled at its end.
    """
    seen = Counts()
    with faults.following(*rules):
        yield seen
    seen.order = [f'{method} {purpose(method, path)}' for method, path, *_ in faults.requests()]


def add_listed_parts(cluster, upload, numbers, size=1):
    """Give an upload parts that are rows of the listing alone, which is all that s3multi reads of a part.

    Thousands take a second or two; nothing can be read from the finished object.
    """
    layout = Layout(account(), upload.bucket, upload.key, upload.id)
    began = time.time_ns() // 10000
    etag = '%032x' % 7
    rows = [{'name': layout.part(number, new_attempt(began)), 'etag': etag, 'size': size} for number in numbers]
    assert attempt_ticks(rows[0]['name'][-ATTEMPT_LENGTH:]) == began
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        add_rows(cluster, upload.bucket, rows[start:start + _ROWS_AT_ONCE])
    upload.etags.update({number: f'"{etag}"' for number in numbers})
    return upload
