# SPDX-License-Identifier: Apache-2.0
"""Copies of objects that are so large that clients copy them in parts by default: `pytest --large`."""

from __future__ import annotations

import hashlib

import pytest

from .client import LARGE_SECONDS, MIB
from .libraries import MinioPy
from .programs import Rclone, S3cmd
from .test_clients import stored

SOURCE_PART = 64 * MIB
# The size beyond which each client copies in parts.
LIMITS = {S3cmd: 1024 * MIB, Rclone: 4768 * MIB, MinioPy: 5120 * MIB}


@pytest.mark.slow
@pytest.mark.topic('copy')
@pytest.mark.parametrize('kind', LIMITS, ids=lambda kind: kind.__name__)
def test_large_object_is_copied_in_parts(request, kind, site, make_file, witness, sent, bucket):
    """The client copies in parts, and the copy has the same bytes."""
    if not request.config.getoption('--large'):
        pytest.skip('copies up to 5 GiB only with --large')
    if kind.missing():
        pytest.skip(kind.missing())
    body = make_file(SOURCE_PART).read_bytes()
    digest, parts = hashlib.sha256(), []
    upload_id = witness.create_multipart_upload(Bucket=bucket, Key='from')['UploadId']
    for number in range(1, LIMITS[kind] // SOURCE_PART + 2):
        changed = number.to_bytes(2, 'big') + body
        digest.update(changed)
        parts.append({'PartNumber': number, 'ETag': witness.upload_part(
            Bucket=bucket, Key='from', UploadId=upload_id, PartNumber=number, Body=changed)['ETag']})
    witness.complete_multipart_upload(Bucket=bucket, Key='from', UploadId=upload_id, MultipartUpload={'Parts': parts})

    client = kind(site)
    client.seconds = LARGE_SECONDS
    client.copy_large(bucket, 'from', 'to')

    assert len(sent.copied_parts(bucket)) > 1
    assert stored(witness, bucket, 'to') == digest.hexdigest()
