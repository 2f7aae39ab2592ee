# SPDX-License-Identifier: Apache-2.0
"""Damages what is on the disks of a node: objects, container databases, or everything."""

from __future__ import annotations

import contextlib
import os
import shutil

from swift.obj.diskfile import METADATA_KEY

from .databases import find

# How many objects of a node are corrupted at a time.
MANY = 5


def corrupt_objects(directory, rng):
    """Corrupt some objects below the directory of a disk; return their files.

    A byte of the contents is another, the file is longer than it was, or its metadata cannot be read.
    """
    files = find(directory, 'objects*/*/*/*/*.data')
    chosen = rng.sample(files, min(MANY, len(files)))
    for path in chosen:
        try:
            _corrupt(path, rng)
        except FileNotFoundError:
            # The object was deleted meanwhile.
            pass
    return chosen


def _corrupt(path, rng):
    size = path.stat().st_size
    kind = rng.choice(('metadata', 'longer', 'contents') if size else ('metadata', 'longer'))
    if kind == 'metadata':
        os.setxattr(path, METADATA_KEY, b'\x00 no metadata')
    elif kind == 'longer':
        with open(path, 'ab') as file:
            file.write(b'?')
    else:
        with open(path, 'r+b') as file:
            file.seek(rng.randrange(size))
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 0xff]))


def damage_databases(directory, rng):
    """Damage one of two container databases below the directory of a disk; return their files."""
    files = find(directory, 'containers/*/*/*/*.db')
    chosen = rng.sample(files, (len(files) + 1) // 2)
    for path in chosen:
        # A replicator may have deleted it meanwhile.
        with contextlib.suppress(FileNotFoundError), open(path, 'r+b') as file:
            # No longer the header of an SQLite database.
            file.write(b'\x00' * 100)
    return chosen


def wipe(directory):
    """Delete everything below the directory of a disk, and leave the directory. Nobody may be writing there."""
    shutil.rmtree(directory)
    directory.mkdir()
