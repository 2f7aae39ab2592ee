# SPDX-License-Identifier: Apache-2.0
"""The files that commands write."""
import contextlib
import os
import tempfile

from s3multi.config import ConfigError


def check_writable(path: str) -> None:
    """Raise ConfigError unless ``replace_file`` could write this file now."""
    real = os.path.realpath(path)
    # Else root would put a file in the place of /dev/null.
    if os.path.exists(real) and not os.path.isfile(real) or not os.access(os.path.dirname(real), os.W_OK | os.X_OK):
        raise ConfigError('%s cannot be written' % path)


def replace_file(path: str, text: str) -> None:
    """Write ``text``, readable by everybody, so that a reader finds what was there or all of it. Raises OSError."""
    try:
        _replace(os.path.realpath(path), text)
    except OSError as error:
        # By the name that its reader knows.
        raise OSError(error.errno, error.strerror, path) from None


def _replace(path: str, text: str) -> None:
    # Not by a name that anybody looks for: of a directory, node-exporter reads all that ends in ".prom".
    handle, new = tempfile.mkstemp(prefix='.s3multi-', dir=os.path.dirname(path))
    try:
        with open(handle, 'w', encoding='utf-8', errors='backslashreplace') as file:
            file.write(text)
            os.fchmod(file.fileno(), 0o644)
        os.replace(new, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(new)
        raise
