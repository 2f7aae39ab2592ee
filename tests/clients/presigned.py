# SPDX-License-Identifier: Apache-2.0
"""Presigned URLs of the AWS SDK for JavaScript v3: whoever has such a URL sends nothing but a body with it."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from urllib.parse import quote

import requests

from .client import MIB, Failed
from .libraries import JavaScript

METHODS = {'CreateMultipartUpload': 'POST', 'CompleteMultipartUpload': 'POST', 'UploadPart': 'PUT',
           'UploadPartCopy': 'PUT', 'AbortMultipartUpload': 'DELETE'}
NAMESPACE = '{http://s3.amazonaws.com/doc/2006-03-01/}'


class JavaScriptPresigner(JavaScript):
    """@aws-sdk/s3-request-presigner, which puts every x-amz-* header of an operation into the query of the URL."""

    name = 'Presigner of the AWS SDK for JavaScript v3'
    checksum = 'CRC64NVME'
    lacks = {'abort': 'a URL is for one request'}

    def send(self, command, bucket, key=None, body=None, headers=None, **given):
        """Send the request of an operation by a presigned URL; return the answer. Raises Failed if it is an error.

        given: parameters of the operation that are not None. headers: what is sent besides, and not in the URL.
        """
        named = {'Bucket': bucket, 'Key': key, **given}
        url = self.call('presign', command=command, unhoistable=[*(headers or ())], input={
            name: value for name, value in named.items() if value is not None})
        answer = requests.request(METHODS.get(command, 'GET'), url, data=body, headers=headers, stream=True,
                                  timeout=self.seconds, verify=self.site.ca or True)
        if answer.status_code >= 400:
            raise Failed(ElementTree.fromstring(answer.content).findtext('Code'), answer.text)
        return answer

    def document(self, *arguments, **given):
        """Return the document with which an operation is answered."""
        return ElementTree.fromstring(self.send(*arguments, **given).content)

    def pages(self, command, bucket, row, more, **given):
        """Return the rows of a list, whose next page begins where ``more`` says: parameter to element."""
        found = []
        while True:
            page = self.document(command, bucket, **given)
            found += page.findall(NAMESPACE + row)
            if page.findtext(f'{NAMESPACE}IsTruncated') != 'true':
                return found
            given.update({name: page.findtext(NAMESPACE + element) for name, element in more.items()})

    def begin(self, bucket, key, **given):
        """Begin an upload whose object gets a checksum that no part has to bring; return its id."""
        given['ChecksumAlgorithm'] = self.checksum
        return self.document('CreateMultipartUpload', bucket, key, **given).findtext(f'{NAMESPACE}UploadId')

    def upload(self, path, bucket, key, **given):
        upload_id, etags = self.begin(bucket, key, **given), {}
        with open(path, 'rb') as file:
            for number, body in enumerate(iter(lambda: file.read(self.part_bytes), b''), 1):
                etags[number] = self.upload_part(bucket, key, upload_id, number, body)
        self.complete(bucket, key, upload_id, etags)

    def upload_with(self, path, bucket, key, metadata):
        self.upload(path, bucket, key, Metadata=metadata)

    def upload_part(self, bucket, key, upload_id, number, body, crc32=None):
        sent = {'x-amz-checksum-crc32': crc32} if crc32 else {}
        return self.send('UploadPart', bucket, key, body, sent, UploadId=upload_id, PartNumber=number,
                         ChecksumCRC32=crc32).headers['ETag']

    def complete(self, bucket, key, upload_id, parts):
        rows = (f'<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>' for number, etag in parts.items())
        body = f'<CompleteMultipartUpload>{"".join(rows)}</CompleteMultipartUpload>'
        self.send('CompleteMultipartUpload', bucket, key, body, UploadId=upload_id)

    def download(self, bucket, key, path):
        with open(path, 'wb') as file:
            for chunk in self.send('GetObject', bucket, key).iter_content(MIB):
                file.write(chunk)

    def read(self, bucket, key, start, size):
        return self.send('GetObject', bucket, key, headers={'Range': f'bytes={start}-{start + size - 1}'}).content

    def objects(self, bucket):
        rows = self.pages('ListObjectsV2', bucket, 'Contents', {'ContinuationToken': 'NextContinuationToken'})
        return {row.findtext(f'{NAMESPACE}Key'): int(row.findtext(f'{NAMESPACE}Size')) for row in rows}

    def uploads(self, bucket):
        rows = self.pages('ListMultipartUploads', bucket, 'Upload',
                          {'KeyMarker': 'NextKeyMarker', 'UploadIdMarker': 'NextUploadIdMarker'})
        return {row.findtext(f'{NAMESPACE}UploadId'): row.findtext(f'{NAMESPACE}Key') for row in rows}

    def parts(self, bucket, key, upload_id):
        rows = self.pages('ListParts', bucket, 'Part', {'PartNumberMarker': 'NextPartNumberMarker'},
                          key=key, UploadId=upload_id)
        return {int(row.findtext(f'{NAMESPACE}PartNumber')): row.findtext(f'{NAMESPACE}ETag').strip('"')
                for row in rows}

    def copy(self, bucket, key, to):
        size = int(self.send('GetObject', bucket, key).headers['Content-Length'])
        upload_id, etags = self.begin(bucket, to), {}
        for number, start in enumerate(range(0, size, 8 * MIB), 1):
            copied = self.document(
                'UploadPartCopy', bucket, to, UploadId=upload_id, PartNumber=number,
                CopySource=f'{bucket}/{quote(key)}',
                CopySourceRange=f'bytes={start}-{min(start + 8 * MIB, size) - 1}')
            etags[number] = copied.findtext(f'{NAMESPACE}ETag')
        self.complete(bucket, to, upload_id, etags)

    def abort(self, bucket, key, upload_id):
        self.send('AbortMultipartUpload', bucket, key, UploadId=upload_id)
