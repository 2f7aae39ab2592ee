# SPDX-License-Identifier: Apache-2.0
"""An object server that keeps no zeros: in their place its files have holes. In all else it is Swift's own.

So parts of 5 GiB and objects of 5 TiB, all of zeros, fit on any disk, and are read back as what they are.
"""

from __future__ import annotations

import os
from typing import Any

from swift.obj.diskfile import DiskFile, DiskFileManager, DiskFileWriter
from swift.obj.server import ObjectController

# Options for the object server of a Cluster.
OPTIONS = {'use': None, 'paste.app_factory': f'{__name__}:app_factory'}


class SparseWriter(DiskFileWriter):
    """Leaves a hole where there are zeros."""

    def write(self, chunk: bytes) -> None:
        if chunk.count(0) < len(chunk):
            super().write(chunk)
            return
        self._chunks_etag.update(chunk)
        self._upload_size += len(chunk)
        os.ftruncate(self._fd, self._upload_size)
        os.lseek(self._fd, self._upload_size, os.SEEK_SET)


class SparseDiskFile(DiskFile):
    """An object whose file may have holes."""

    writer_cls = SparseWriter


class SparseManager(DiskFileManager):
    """Makes such objects."""

    diskfile_cls = SparseDiskFile


class SparseController(ObjectController):
    """The object server."""

    def setup(self, conf: dict[str, Any]) -> None:
        super().setup(conf)
        managers = self._diskfile_router.policy_to_manager
        for index in managers:
            managers[index] = SparseManager(conf, self.logger)


def app_factory(global_conf: dict[str, str], **local_conf: str) -> SparseController:
    """Return the server: the entry point for PasteDeploy."""
    return SparseController({**global_conf, **local_conf})
