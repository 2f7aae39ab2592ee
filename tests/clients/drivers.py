# SPDX-License-Identifier: Apache-2.0
"""Clients that are libraries in another language or environment: small programs of ours, the drivers, call them."""

from __future__ import annotations

import json
import subprocess

from .client import MIB, Failed, Program


class PartByPart:
    """What a client can do that has a call for each operation."""

    def resume(self, path, bucket, key, upload_id):
        """Send the parts that are missing in an upload of this file, and complete it."""
        parts = self.parts(bucket, key, upload_id)
        with open(path, 'rb') as file:
            for number, body in enumerate(iter(lambda: file.read(self.part_bytes), b''), 1):
                if number not in parts:
                    parts[number] = self.upload_part(bucket, key, upload_id, number, body)
        self.complete(bucket, key, upload_id, dict(sorted(parts.items())))


class Driver(Program):
    """A client that is a library in another environment. A small program of ours makes each call, told by JSON."""

    def call(self, operation, **arguments):
        """Have the library do something; return its result. Raises Failed if it fails."""
        return self.result(self.run(self.told(operation, **arguments)))

    def break_off(self, operation, has_part, **arguments):
        """Have the library upload what the driver can read only until its standard input ends, which is has_part().

        Raises Failed if it fails.
        """
        process = subprocess.Popen(self.command(self.told(operation, **arguments)), env=self.site.environment,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            has_part()
            return self.result(process.communicate(timeout=self.seconds)[0])
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    def upload(self, path, bucket, key):
        self.call('upload', path=path, bucket=bucket, key=key)

    def download(self, bucket, key, path):
        self.call('download', bucket=bucket, key=key, path=path)

    def read(self, bucket, key, start, size):
        path = self.site.home / 'range'
        self.call('read', bucket=bucket, key=key, path=path, start=start, size=size)
        return path.read_bytes()

    def objects(self, bucket):
        return self.call('objects', bucket=bucket)

    @staticmethod
    def told(operation, **arguments):
        """Return the document that tells the driver what to do."""
        return json.dumps({'operation': operation, **arguments}, default=str)

    @staticmethod
    def result(said):
        """Return the result in what the driver has printed. Raises Failed if it is an error."""
        answer = json.loads(said)
        if 'error' in answer:
            raise Failed(answer['error'], answer['message'], answer.get('typed', False))
        return answer['result']


class Library(PartByPart, Driver):
    """A library whose driver knows all operations."""

    def upload_with(self, path, bucket, key, metadata):
        self.call('upload', path=path, bucket=bucket, key=key, metadata=metadata)

    def uploads(self, bucket):
        return self.call('uploads', bucket=bucket)

    def parts(self, bucket, key, upload_id):
        found = self.call('parts', bucket=bucket, key=key, upload=upload_id)
        return {int(number): etag for number, etag in found.items()}

    def copy(self, bucket, key, to):
        self.call('copy', bucket=bucket, key=key, to=to, partBytes=8 * MIB)

    def fail(self, path, bucket, key, has_part):
        try:
            self.break_off('fail', has_part, bucket=bucket, key=key)
        except Failed as error:
            assert 'Unreadable' in error.code + error.message, error
            return
        raise AssertionError('the upload succeeded')

    def abort(self, bucket, key, upload_id):
        self.call('abort', bucket=bucket, key=key, upload=upload_id)

    def upload_part(self, bucket, key, upload_id, number, body, crc32=None):
        """Upload one part; return its ETag. crc32: of the body; None to have the library decide."""
        path = self.site.home / 'part'
        path.write_bytes(body)
        return self.call('part', bucket=bucket, key=key, upload=upload_id, number=number, path=path,
                         **({'crc32': crc32} if crc32 else {}))

    def complete(self, bucket, key, upload_id, parts):
        """Complete an upload; parts: number to ETag, in the order in which they are listed."""
        self.call('complete', bucket=bucket, key=key, upload=upload_id,
                  parts=[{'number': number, 'etag': etag} for number, etag in parts.items()])
