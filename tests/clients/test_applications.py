# SPDX-License-Identifier: Apache-2.0
"""Programs that keep data in a form of their own: what they keep comes back, and nothing else is left."""

from __future__ import annotations

import filecmp
import re

import pytest

from tests.integration.daemons import Daemons
from tests.integration.uploads import segment_names

from .conftest import APPLICATIONS
from .spy import how_signed


@pytest.fixture(params=APPLICATIONS, ids=lambda kind: kind.__name__)
def kind(request):
    """The class of each application in turn. Skips those that this machine lacks, and what one does not offer."""
    if request.param.missing():
        pytest.skip(request.param.missing())
    topic = request.node.get_closest_marker('topic').args[0]
    if topic in request.param.lacks:
        pytest.skip(f'not offered: {request.param.lacks[topic]}')
    return request.param


def check_kept(application, cluster, make_file, bucket, witness, swift, sent, tmp_path, record_property):
    """Have a file kept in parts, and restored. Neither uploads nor parts without an object are left."""
    path = make_file(application.file_bytes)

    application.save(path, bucket)
    application.restore(bucket, tmp_path / 'again')

    assert filecmp.cmp(path, tmp_path / 'again', shallow=False)
    ways = sorted({how_signed(row) for row in sent.parts(bucket)})
    record_property('parts', '; '.join(ways))
    assert len(sent.parts(bucket)) > 1
    # @tus/server asks for the parts of an upload that is over.
    failed = [row for row in sent.to(bucket) if row['status'] >= 400 and row['method'] != 'GET'
              and {'uploads', 'uploadId'} & set(row['query'])]
    assert failed == []
    assert 'Uploads' not in witness.list_multipart_uploads(Bucket=bucket)
    # The parts of objects that the application has deleted are the expirer's.
    with Daemons(cluster) as daemons:
        daemons.expire()
    etags = [row['ETag'] for row in witness.list_objects_v2(Bucket=bucket)['Contents']]
    in_parts = [int(found[1]) for found in (re.search(r'-(\d+)"$', etag) for etag in etags) if found]
    # An empty note that parts were freed stays for two days.
    assert len([name for name in segment_names(swift, bucket) if not name.endswith('/freed')]) == sum(in_parts)


@pytest.mark.topic('kept')
def test_what_is_kept_comes_back(kind, site, cluster, make_file, bucket, witness, swift, sent, tmp_path,
                                 record_property):
    """A file that is kept in parts is restored with the same bytes."""
    check_kept(kind(site), cluster, make_file, bucket, witness, swift, sent, tmp_path, record_property)


@pytest.mark.topic('kept over TLS')
def test_what_is_kept_comes_back_over_tls(kind, secure_site, cluster, make_file, bucket, witness, swift, sent,
                                          tmp_path, record_property):
    """The same over TLS."""
    check_kept(kind(secure_site), cluster, make_file, bucket, witness, swift, sent, tmp_path, record_property)
