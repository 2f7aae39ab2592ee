# SPDX-License-Identifier: Apache-2.0
"""The files that commands write."""
import contextlib
import os
import tempfile

from s3multi.config import ConfigError


def check_writable(path: str) -> None:
    """Raise ConfigError unless ``replace_file`` could write this file now."""
    directory = os.path.dirname(path) or '.'
    if os.path.isdir(path) or not os.access(directory, os.W_OK | os.X_OK):
        raise ConfigError('%s cannot be written' % path)


def replace_file(path: str, text: str) -> None:
    """Write ``text``, readable by everybody, so that a reader finds what was there or all of it. Raises OSError."""
    # Not by a name that anybody looks for: of a directory, node-exporter reads all that ends in ".prom".
    handle, new = tempfile.mkstemp(prefix='.s3multi-', dir=os.path.dirname(path) or '.')
    try:
        with open(handle, 'w', encoding='utf-8', errors='surrogateescape') as file:
            file.write(text)
            os.fchmod(file.fileno(), 0o644)
        os.replace(new, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise
