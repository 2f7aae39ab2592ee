# SPDX-License-Identifier: Apache-2.0
"""Calls a library for data: `python data_driver.py LIBRARY JSON` does what the document says and prints the answer.

The answer is {"result"} or {"error", "message"}. A process of its own keeps the threads of these libraries, and the
certificates that they read from the environment, apart from the tests. Endpoint and keys come from the environment.
"""

import json
import os
import shutil
import sys

MIB = 1048576
REGION = os.environ['AWS_REGION']
ACCESS, SECRET = os.environ['AWS_ACCESS_KEY_ID'], os.environ['AWS_SECRET_ACCESS_KEY']
URL, AUTHORITY = os.environ['AWS_ENDPOINT_URL'], os.environ.get('AWS_CA_BUNDLE')


class Unreadable(Exception):
    """The data to be written cannot be read any further."""


class Breaking:
    """A file of 200 MiB whose first half can be read; then reading waits for the end of the standard input, and fails.
    """

    def __init__(self):
        self.left = 200 * MIB

    def read(self, size=-1):
        """Return the next bytes. Raises Unreadable once the first half was read and the standard input has ended."""
        if self.left < 100 * MIB:
            sys.stdin.read()
            raise Unreadable
        size = min(MIB if size < 0 else size, self.left)
        self.left -= size
        return bytes(size)


class PyArrow:
    """pyarrow.fs.S3FileSystem."""

    def __init__(self):
        from pyarrow import fs
        scheme, _, address = URL.partition('://')
        self.selector = fs.FileSelector
        self.files = fs.S3FileSystem(access_key=ACCESS, secret_key=SECRET, region=REGION, scheme=scheme,
                                     endpoint_override=address, tls_ca_file_path=AUTHORITY)

    def upload(self, path, bucket, key):
        with open(path, 'rb') as source, self.files.open_output_stream(f'{bucket}/{key}') as target:
            shutil.copyfileobj(source, target, MIB)

    def download(self, bucket, key, path):
        with self.files.open_input_stream(f'{bucket}/{key}') as source, open(path, 'wb') as target:
            shutil.copyfileobj(source, target, MIB)

    def read(self, bucket, key, start, size, path):
        with self.files.open_input_file(f'{bucket}/{key}') as source, open(path, 'wb') as target:
            target.write(source.read_at(size, start))

    def objects(self, bucket):
        found = self.files.get_file_info(self.selector(bucket, recursive=True))
        return {row.path.partition('/')[2]: row.size for row in found if row.is_file}


class Obstore:
    """obstore, on the crate object_store."""

    def store(self, bucket):
        from obstore.store import S3Store
        options = {'allow_http': True}
        if AUTHORITY:
            with open(AUTHORITY, encoding='ascii') as file:
                options = {'root_certificate': file.read()}
        return S3Store(bucket, endpoint=URL, region=REGION, access_key_id=ACCESS, secret_access_key=SECRET,
                       client_options=options)

    def upload(self, path, bucket, key, metadata=None):
        import obstore
        with open(path, 'rb') as file:
            obstore.put(self.store(bucket), key, file, attributes=metadata)

    def download(self, bucket, key, path):
        import obstore
        with open(path, 'wb') as target:
            for chunk in obstore.get(self.store(bucket), key):
                target.write(chunk)

    def read(self, bucket, key, start, size, path):
        import obstore
        with open(path, 'wb') as target:
            target.write(obstore.get_range(self.store(bucket), key, start=start, length=size))

    def objects(self, bucket):
        import obstore
        return {row['path']: row['size'] for page in obstore.list(self.store(bucket)) for row in page}

    def fail(self, bucket, key):
        import obstore
        source = Breaking()
        obstore.put(self.store(bucket), key, iter(lambda: source.read(MIB), b''))


class OpenDal:
    """opendal, with its service "s3"."""

    def operator(self, bucket):
        import opendal
        return opendal.Operator('s3', bucket=bucket, endpoint=URL, region=REGION, access_key_id=ACCESS,
                                secret_access_key=SECRET)

    def upload(self, path, bucket, key, metadata=None):
        options = {'user_metadata': metadata} if metadata else {}
        with open(path, 'rb') as source, self.operator(bucket).open(key, 'wb', **options) as target:
            shutil.copyfileobj(source, target, 8 * MIB)

    def download(self, bucket, key, path):
        with self.operator(bucket).open(key, 'rb') as source, open(path, 'wb') as target:
            shutil.copyfileobj(source, target, MIB)

    def read(self, bucket, key, start, size, path):
        with open(path, 'wb') as target:
            target.write(self.operator(bucket).read(key, offset=start, size=size))

    def objects(self, bucket):
        operator = self.operator(bucket)
        return {row.path: operator.stat(row.path).content_length for row in operator.scan('')
                if not row.path.endswith('/')}


class DeltaLake:
    """deltalake: a table whose rows are the blocks of the file."""

    def options(self):
        return {'AWS_ALLOW_HTTP': 'true', 'AWS_ENDPOINT_URL': URL}

    def save(self, path, bucket):
        import deltalake
        import pyarrow
        with open(path, 'rb') as file:
            blocks = list(iter(lambda: file.read(65536), b''))
        table = pyarrow.table({'place': range(len(blocks)), 'block': pyarrow.array(blocks, pyarrow.binary())})
        deltalake.write_deltalake(f's3://{bucket}/table', table, storage_options=self.options())

    def restore(self, bucket, path):
        import deltalake
        table = deltalake.DeltaTable(f's3://{bucket}/table', storage_options=self.options()).to_pyarrow_table()
        with open(path, 'wb') as file:
            for block in table.sort_by('place').column('block'):
                file.write(block.as_py())


class Gdal:
    """GDAL by rasterio: an image whose lines are the blocks of the file."""

    WIDTH = 8192

    def environment(self):
        import rasterio
        scheme, _, address = URL.partition('://')
        # A GeoTIFF is written at random, which /vsis3/ does by way of a local file.
        return rasterio.Env(AWS_S3_ENDPOINT=address, AWS_HTTPS='YES' if scheme == 'https' else 'NO',
                            AWS_VIRTUAL_HOSTING='FALSE', GDAL_CURL_CA_BUNDLE=AUTHORITY or '',
                            CPL_VSIL_USE_TEMP_FILE_FOR_RANDOM_WRITE='YES')

    def save(self, path, bucket):
        import numpy
        import rasterio
        lines = numpy.fromfile(path, numpy.uint8).reshape(-1, self.WIDTH)
        with self.environment(), rasterio.open(f'/vsis3/{bucket}/image.tif', 'w', driver='GTiff', width=self.WIDTH,
                                               height=len(lines), count=1, dtype='uint8') as image:
            image.write(lines, 1)

    def restore(self, bucket, path):
        import rasterio
        from rasterio.windows import Window
        with self.environment(), rasterio.open(f'/vsis3/{bucket}/image.tif') as image, open(path, 'wb') as file:
            for line in range(0, image.height, 1024):
                file.write(image.read(1, window=Window(0, line, self.WIDTH, 1024)).tobytes())


def main(library, document):
    """Do what the document says; return the answer."""
    arguments = json.loads(document)
    try:
        calls = {'pyarrow': PyArrow, 'obstore': Obstore, 'opendal': OpenDal, 'deltalake': DeltaLake,
                 'rasterio': Gdal}[library]()
        return {'result': getattr(calls, arguments.pop('operation'))(**arguments)}
    except Exception as error:
        # None of these libraries has S3's code as a value.
        return {'error': f'{type(error).__name__}: {error}', 'message': ''}


if __name__ == '__main__':
    print(json.dumps(main(*sys.argv[1:])))
