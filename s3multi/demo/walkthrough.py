# SPDX-License-Identifier: Apache-2.0
"""The story of the demo: upload a file in parts through the S3 API, look behind that API, read the file back."""

from __future__ import annotations

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import DemoError
from .login import Login
from .progress import Bar, format_size

REGION = 'us-east-1'
BUCKET = 'demo'
# Where s3multi keeps the parts of its uploads.
SEGMENTS = BUCKET + '_segments'

MIN_PART_BYTES = 5 << 20      # S3's minimum for every part but the last
MAX_PARTS = 10000             # S3's maximum
READ_BYTES = 1 << 20
SHOWN_ROWS = 6


@dataclass(frozen=True)
class Sent:
    """What was uploaded: the object's ETag, as computed here and as answered, and the SHA-256 of the file in hex."""

    key: str
    expected_etag: str
    answered_etag: str
    sha256: str


def make_file(path: Path, size: int) -> None:
    """Fill a new file with `size` random bytes."""
    with open(path, 'wb') as file:
        while size > 0:
            size -= file.write(os.urandom(min(size, READ_BYTES)))


def part_bytes_for(size: int) -> int:
    """Return the size of the parts for a file of `size` bytes: S3's smallest, unless that makes too many parts."""
    return max(MIN_PART_BYTES, -(-size // MAX_PARTS))


def connect(url: str, login: Login) -> Any:
    """Return a boto3 client for the proxy at `url`."""
    import boto3
    from botocore.config import Config
    return boto3.session.Session().client(
        's3', endpoint_url=url, region_name=REGION, aws_access_key_id=login.access_key,
        aws_secret_access_key=login.secret_key,
        config=Config(signature_version='s3v4', s3={'addressing_style': 'path'}, proxies={},
                      retries={'total_max_attempts': 2, 'mode': 'standard'}))


def walk(url: str, login: Login, path: Path) -> bool:
    """Tell the whole story with the file at `path`; return whether everything matched.

    Raises DemoError if a request fails.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    client = connect(url, login)
    try:
        _make_bucket(client)
        sent = _upload(client, path)
        _look_behind(login, sent.key)
        matched = _check('ETag', sent.expected_etag, sent.answered_etag)
        return _download(client, sent, path.stat().st_size) and matched
    except (BotoCoreError, ClientError) as error:
        raise DemoError(f'the S3 API did not do what was asked: {error}') from error
    finally:
        client.close()


def _make_bucket(client: Any) -> None:
    try:
        client.create_bucket(Bucket=BUCKET)
    except client.exceptions.BucketAlreadyOwnedByYou:
        pass      # the data directory is used again


def _upload(client: Any, path: Path) -> Sent:
    size = path.stat().st_size
    key = path.name
    part_bytes = part_bytes_for(size)
    upload_id = client.create_multipart_upload(Bucket=BUCKET, Key=key)['UploadId']
    print(f'\nUpload {upload_id} of s3://{BUCKET}/{key}: {format_size(size)}, {format_size(part_bytes)} a part')

    parts: list[dict[str, Any]] = []
    md5s, sha256, done = b'', hashlib.sha256(), 0
    bar = Bar('uploaded  ', size, sys.stdout)
    with open(path, 'rb') as file:
        for number, body in enumerate(iter(lambda: file.read(part_bytes), b''), 1):
            answer = client.upload_part(Bucket=BUCKET, Key=key, UploadId=upload_id, PartNumber=number, Body=body)
            parts.append({'PartNumber': number, 'ETag': answer['ETag']})
            md5s += hashlib.md5(body).digest()
            sha256.update(body)
            done += len(body)
            bar.show(done, f'part {number} of {-(-size // part_bytes)}')
    bar.close()

    answer = client.complete_multipart_upload(
        Bucket=BUCKET, Key=key, UploadId=upload_id, MultipartUpload={'Parts': parts})
    # S3's rule for the ETag of a multipart object: the MD5 of the parts' MD5s, and how many there are.
    expected = f'{hashlib.md5(md5s).hexdigest()}-{len(parts)}'
    return Sent(key, expected, answer['ETag'].strip('"'), sha256.hexdigest())


def _look_behind(login: Login, key: str) -> None:
    account = login.open_account()
    print(f'\nWhat the Swift API shows in the container {SEGMENTS}:')
    _show_rows([(row['name'], row['bytes'], row['hash']) for row in account.list_objects(SEGMENTS, key + '/')])
    print(f'\nThe manifest (a static large object) that is now {BUCKET}/{key}:')
    _show_rows([(row['name'], row['bytes'], row['hash']) for row in account.get_manifest(BUCKET, key)])


def _show_rows(rows: list[tuple[str, int, str]]) -> None:
    for name, size, digest in rows[:SHOWN_ROWS]:
        print(f'  {size:>12}  {digest}  {name}')
    if len(rows) > SHOWN_ROWS:
        print(f'  ... and {len(rows) - SHOWN_ROWS} more')
    if not rows:
        print('  (nothing)')


def _download(client: Any, sent: Sent, size: int) -> bool:
    answer = client.get_object(Bucket=BUCKET, Key=sent.key)
    digest, done = hashlib.sha256(), 0
    print()
    bar = Bar('downloaded', size, sys.stdout)
    for chunk in answer['Body'].iter_chunks(READ_BYTES):
        digest.update(chunk)
        done += len(chunk)
        bar.show(done, '')
    bar.close()
    matched = _check('ETag of the download', sent.expected_etag, answer['ETag'].strip('"'))
    return _check('SHA-256 of the download', sent.sha256, digest.hexdigest()) and matched


def _check(what: str, expected: str, got: str) -> bool:
    print(f'\n{what}\n  expected  {expected}\n  got       {got}  {"(the same)" if got == expected else "DIFFERENT"}')
    return got == expected
