# SPDX-License-Identifier: Apache-2.0
"""Which manifests list the parts of an upload that is over. What cannot be known for certain raises ``Uncertain``.

A part may be deleted on the word of these answers alone, and Swift's may be wrong: a 404 can come from nodes that have
missed the write, or are not those that have the object. So whatever is *not* there has to be missing in two places that
have nothing to do with each other: on the object servers, and in a listing.
"""
import json
from collections.abc import Sequence, Set

from swift.common.swob import Response
from swift.common.utils import Timestamp, config_true_value, last_modified_date_to_timestamp

from s3multi.storage.objects import is_large, object_of
from s3multi.storage.requests import Backend, Target, timestamp_of
from s3multi.upload.names import Upload
from s3multi.upload.records import ObjectAtKey
from s3multi.upload.timestamps import plain_time, swift_time

_DELETE_MARKER = 'application/x-deleted;swift_versions_deleted=1'
_PAGE = 1000


class Uncertain(Exception):
    """Nothing may be deleted, for the reason that the text gives."""


class References:
    """Asks who refers to the parts of uploads of one bucket."""

    def __init__(self, backend: Backend, bucket: str) -> None:
        self._backend = backend
        self._bucket = bucket

    def glance(self, key: str) -> ObjectAtKey:
        """Look at a key, fast: enough to see that its parts are needed, never that they are not."""
        response = self._backend.call('HEAD', Target(self._bucket, key, {'multipart-manifest': 'get'}), (404,))
        return object_of(response)

    def marker_deleted(self, upload: Upload) -> Timestamp:
        """Return when the marker was deleted, 0 when Swift has forgotten. Raises Uncertain unless it certainly was."""
        response = self._backend.head_newest(Target(upload.container, upload.marker))
        if response.status_int != 404:
            raise Uncertain('the marker is there again')
        deleted = timestamp_of(response)
        self._compare(upload.container, upload.marker, deleted)
        return deleted

    def listed(self, upload: Upload, written: Sequence[Timestamp], wanted: Set[str]) -> 'set[str]':
        """Return what the manifests list that may have parts of an upload that is over, as ``/container/object``.

        These are the object at its key and all versions of it that are newer than the upload; but no more of them than
        it takes to find all names that are ``wanted``. written: timestamps that a manifest of the upload had or may
        have had, as far as they are known. Raises Uncertain.
        """
        keeps_versions = self._keeps_versions()
        response = self._head(upload.key, {'symlink': 'get'})
        self._compare(self._bucket, upload.key, timestamp_of(response))
        names = self._names(upload, response, {'symlink': 'get'})
        if keeps_versions:
            # As the link that Swift has put there leads to it.
            names |= self._names(upload, self._head(upload.key, {}), {})
            names |= self._versions(upload, written, wanted - names)
        # After the others: somebody may have begun to keep versions, with this object as the first.
        if self._keeps_versions() != keeps_versions:
            raise Uncertain('versions of the bucket were switched on just now')
        return names

    def bucket_is_gone(self) -> bool:
        """Say whether the bucket was deleted. Raises Uncertain when Swift contradicts itself."""
        if self._backend.head_newest(Target(self._bucket)).is_success:
            return False
        if self._backend.account_lists(self._bucket):
            raise Uncertain('the account lists the bucket, and it cannot be found')
        return True

    def _keeps_versions(self) -> bool:
        response = self._backend.head_newest(Target(self._bucket))
        if not response.is_success:
            if not self.bucket_is_gone():
                raise Uncertain('the bucket is not always found')
            # Swift deletes no bucket that has versions.
            return False
        if response.headers.get('X-Container-Sysmeta-Versions-Location'):
            raise Uncertain('the bucket archives in the older way of Swift')
        return ('X-Container-Sysmeta-Versions-Container' in response.headers
                or config_true_value(response.headers.get('X-Container-Sysmeta-Versions-Enabled')))

    def _versions(self, upload: Upload, written: Sequence[Timestamp], wanted: Set[str]) -> 'set[str]':
        if not self._backend.has_versions_container():
            raise Uncertain('the container of the versions is not found')
        # The marker was deleted just after the timestamp of a manifest, which is the id of its version: no listing has
        # to show this one.
        told = [plain_time(timestamp) for timestamp in written]
        # The others from the oldest on: soon after an upload began it was completed.
        listed = self._listed_versions(upload)
        names: set[str] = set()
        for version in dict.fromkeys(told + sorted(listed)):
            if wanted <= names:
                break
            query = {'version-id': version}
            response = self._head(upload.key, query)
            if response.status_int == 404 and version in listed:
                raise Uncertain('version %s is listed and not found' % version)
            names |= self._names(upload, response, query)
        return names

    def _listed_versions(self, upload: Upload) -> 'set[str]':
        """Return the ids of the versions of its key that were written after an upload began, and of the null one."""
        found: set[str] = set()
        began = swift_time(upload.ticks)
        marker: dict[str, str] = {}
        while True:
            target = Target(self._bucket, query={'versions': 'true', 'format': 'json', 'prefix': upload.key,
                                                 'limit': str(_PAGE), **marker})
            rows = json.loads(self._backend.call('GET', target, ()).body)
            for row in rows:
                if 'version_id' not in row:
                    raise Uncertain('the pipeline of the sweep shows no versions')
                if row['name'] != upload.key:
                    return found
                if row['content_type'] != _DELETE_MARKER and (
                        row['version_id'] == 'null' or Timestamp(row['version_id']) > began):
                    found.add(row['version_id'])
            # Newest first: what follows is older.
            if len(rows) < _PAGE or rows[-1]['version_id'] != 'null' and Timestamp(rows[-1]['version_id']) < began:
                return found
            marker = {'marker': rows[-1]['name'], 'version_marker': rows[-1]['version_id']}

    def _names(self, upload: Upload, head: Response, query: 'dict[str, str]') -> 'set[str]':
        """Return what the manifest lists that a HEAD has shown: nothing, if it is none."""
        if not head.is_success:
            return set()
        if head.headers.get('X-Object-Manifest', '').startswith(upload.container + '/'):
            raise Uncertain('a dynamic large object may refer to the parts')
        if not is_large(head):
            return set()
        # The condition: no plain object that has come in between shall be read.
        target = Target(self._bucket, upload.key, {'multipart-manifest': 'get', **query})
        response = self._backend.call('GET', target, (404, 412), {'X-Newest': 'true', 'If-Match': head.headers['Etag']})
        try:
            return {row['name'] for row in json.loads(response.body)}
        except (ValueError, TypeError, KeyError):
            raise Uncertain('a manifest cannot be read') from None

    def _head(self, key: str, query: 'dict[str, str]') -> Response:
        return self._backend.head_newest(Target(self._bucket, key, {'multipart-manifest': 'get', **query}))

    def _compare(self, container: str, name: str, seen: Timestamp) -> None:
        """Raise Uncertain when a listing shows something newer than was ``seen`` at a name, or something where nothing
        was seen."""
        target = Target(container, query={'format': 'json', 'prefix': name, 'limit': '1'})
        response = self._backend.call('GET', target, (404,))
        for row in json.loads(response.body) if response.is_success else []:
            if row.get('name') == name and Timestamp(
                    last_modified_date_to_timestamp(row['last_modified'])).normal > seen.normal:
                raise Uncertain('the listing of %s shows more than the object servers' % container)
