# SPDX-License-Identifier: Apache-2.0
"""Libraries through which programs for data read and write objects: pyarrow, obstore and opendal.

A program of ours, ``data_driver.py``, makes each call.
"""

from __future__ import annotations

import sys
from pathlib import Path

from .client import MIB, Failed, missing_module, package_version
from .drivers import Driver

DRIVER = Path(__file__).resolve().with_name('data_driver.py')


class DataLibrary(Driver):
    """A library that the driver knows by the name of its package, `program`."""

    @classmethod
    def missing(cls):
        return missing_module(cls.program, cls.program)

    @classmethod
    def version(cls):
        return package_version(cls.program)

    def command(self, *words):
        return [sys.executable, str(DRIVER), self.program, *map(str, words)]

    def fail(self, path, bucket, key, has_part):
        try:
            self.break_off('fail', has_part, bucket=bucket, key=key)
        except Failed as error:
            assert 'Unreadable' in error.code, error
            return
        raise AssertionError('the upload succeeded')


class PyArrow(DataLibrary):
    """pyarrow.fs.S3FileSystem. A stream that is closed becomes an object, whatever has happened before."""

    name = 'pyarrow'
    get = 'pip install pyarrow'
    program = 'pyarrow'
    part_bytes = 10 * MIB
    checksum = 'CRC64NVME'
    lacks = {'copy': 'it copies objects in one piece', 'resume': 'no such call', 'abort': 'no such call',
             'explicit abort': 'no such call'}


class Obstore(DataLibrary):
    """obstore, on the crate object_store, which delta-rs, DataFusion and Polars use as well."""

    name = 'obstore'
    get = 'pip install obstore'
    program = 'obstore'
    part_bytes = 5 * MIB
    lacks = {'copy': 'it copies objects in one piece', 'resume': 'no such call', 'explicit abort': 'no such call',
             'control characters': 'it sends no key with one'}

    def upload_with(self, path, bucket, key, metadata):
        self.call('upload', path=path, bucket=bucket, key=key, metadata=metadata)


class OpenDal(DataLibrary):
    """opendal, with a file that is open for writing. When it is closed it becomes an object, whatever happened before.
    """

    name = 'opendal'
    get = 'pip install opendal'
    program = 'opendal'
    part_bytes = 8 * MIB
    lacks = {'copy': 'it copies objects in one piece', 'resume': 'no such call', 'abort': 'no such call',
             'explicit abort': 'no such call'}

    def upload_with(self, path, bucket, key, metadata):
        self.call('upload', path=path, bucket=bucket, key=key, metadata=metadata)
