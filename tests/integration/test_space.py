# SPDX-License-Identifier: Apache-2.0
"""The command s3multi-space as an operator runs it, on real servers."""
import json
import subprocess
import sys

from .uploads import Upload
from .users import account


def test_what_a_bucket_holds(tiny, sweeper, bucket, tmp_path):
    """Open uploads with their parts and who began them, what was aborted, and objects."""
    Upload(tiny, bucket, 'open').parts(b'one', b'three')
    assert 200 == Upload(tiny, bucket, 'done').parts(b'1').complete().outcome
    page = tmp_path / 'space.html'
    done = subprocess.run(
        [sys.executable, '-m', 's3multi.space', f'{account()}/{bucket}', '--json', '--html', str(page), '--conf',
         str(sweeper.conf), '--swift-dir', str(sweeper.cluster.swift_dir)], capture_output=True, text=True, timeout=60)

    assert 0 == done.returncode, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    upload, = [line for line in lines if line['event'] == 'upload']
    assert (bucket, 'open', 'open', 2, 8) == tuple(
        upload[name] for name in ('bucket', 'key', 'kind', 'parts', 'bytes'))
    assert upload['initiator'] and upload['age_seconds'] < 600
    assert {'open': 8, 'object': 1} == {kind: sums['bytes'] for kind, sums in lines[0]['kinds'].items()}
    assert isinstance(lines[-1]['expirer_queue']['length'], int)
    assert bucket in page.read_text()


def test_an_account_that_does_not_exist(sweeper):
    """It is said, and the exit code tells."""
    done = subprocess.run(
        [sys.executable, '-m', 's3multi.space', 'AUTH_nobody/bucket', '--skip-queue', '--conf', str(sweeper.conf),
         '--swift-dir', str(sweeper.cluster.swift_dir)], capture_output=True, text=True, timeout=60)

    assert 1 == done.returncode
    assert 'AUTH_nobody/bucket cannot be read: NotThere: there is no such bucket' in done.stdout
