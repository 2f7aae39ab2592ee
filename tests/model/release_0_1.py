# SPDX-License-Identifier: Apache-2.0
"""Release 0.1.0 itself, taken out of the repository's history, as a package of its own beside this release.

So proxies with either stand over one Swift in memory. Where the history is not at hand, as in an archive of the
sources or a shallow clone, it is not there (``is_there``).
"""
import atexit
import functools
import importlib
import io
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from types import SimpleNamespace

from . import schedule

# The last commit before the changes of 0.2.0.
_COMMIT = '61ac6403769faf8e9eb9577db94a8da8aa975774'
_NAME = 's3multi_0_1_0'
_IMPORT = re.compile(r'^(\s*(?:from|import) )s3multi\b', re.MULTILINE)
_ROOT = Path(__file__).parents[2]


@functools.lru_cache(1)
def _archive():
    """Return the package of 0.1.0 as a tar archive; None where there is no history that has it."""
    try:
        return subprocess.run(['git', 'archive', _COMMIT, 's3multi'], cwd=_ROOT, capture_output=True,
                              check=True, timeout=60).stdout
    except (OSError, subprocess.SubprocessError):
        return None


def is_there():
    """Return whether release 0.1.0 can be had."""
    return _archive() is not None


@functools.lru_cache(1)
def load():
    """Import the package under its other name, and return what a proxy is made of."""
    directory = tempfile.mkdtemp(prefix='s3multi-0.1.0-')
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(_archive())) as archive:
        for member in archive.getmembers():
            place = Path(directory, _NAME, *Path(member.name).parts[1:])
            if member.isfile() and place.suffix == '.py':
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_text(_IMPORT.sub(r'\g<1>' + _NAME, archive.extractfile(member).read().decode()))
    sys.path.insert(0, directory)
    try:
        modules = {name: importlib.import_module('%s.%s' % (_NAME, name)) for name in (
            'config', 'filters.s3multi', 'operations.bucket', 'storage.deletion', 'upload.names')}
    finally:
        sys.path.remove(directory)
    schedule.CHOOSERS.append(modules['upload.names'])
    return SimpleNamespace(**{name.rpartition('.')[2]: module for name, module in modules.items()})


def proxy(app, options, secret, logger):
    """Return the filter s3multi of release 0.1.0 over ``app``. options: those of [filter:s3multi]."""
    old = load()
    known = {name: value for name, value in options.items() if name != 'initiate_for_release'}
    settings = old.config.load({'min_segment_size': '1', **known},
                               {'min_segment_size': 1, 'max_upload_part_num': 10000})
    freeing = old.deletion.Freeing(settings.delete_concurrency, settings.immediate_deletes,
                                   old.deletion.ExpiryQueue({}, logger))
    ids = old.names.UploadIds(secret)
    return old.s3multi.S3MultiMiddleware(app, old.bucket.Cluster(settings, ids, freeing, logger))
