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


def main(library, document):
    """Do what the document says; return the answer."""
    arguments = json.loads(document)
    try:
        calls = {'pyarrow': PyArrow, 'obstore': Obstore, 'opendal': OpenDal}[library]()
        return {'result': getattr(calls, arguments.pop('operation'))(**arguments)}
    except Exception as error:
        # None of these libraries has S3's code as a value.
        return {'error': f'{type(error).__name__}: {error}', 'message': ''}


if __name__ == '__main__':
    print(json.dumps(main(*sys.argv[1:])))
