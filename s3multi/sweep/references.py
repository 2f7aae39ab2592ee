# SPDX-License-Identifier: Apache-2.0
"""Which manifests list the parts of an upload that is over. Raises ``Uncertain`` for what cannot be known for certain.

Parts are deleted because of these answers alone, and Swift's answers may be wrong: a 404 can come from nodes that have
missed the write, or that are not those of the object. So what is *not* there must be missing in two places that do not
depend on each other: on the object servers, and in a listing.
"""
import json
from collections.abc import Mapping, Sequence, Set

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
    """Nothing may be deleted. The text gives the reason."""


class References:
    """Asks Swift which manifests refer to the parts of one bucket's uploads."""

    def __init__(self, backend: Backend, bucket: str) -> None:
        self._backend = backend
        self._bucket = bucket

    def glance(self, key: str) -> ObjectAtKey:
        """Return what any replica shows at a key: that may prove that parts are needed, never that they are not."""
        _, response = self._backend.head_current(Target(self._bucket, key), newest=False)
        return object_of(response)

    def marker_deleted(self, upload: Upload) -> Timestamp:
        """Return when the marker was deleted, 0 if Swift has forgotten it. Raises Uncertain if it may be there."""
        response = self._backend.head_newest(Target(upload.container, upload.marker))
        if response.status_int != 404:
            raise Uncertain('the marker is there again')
        deleted = timestamp_of(response)
        # The 404 may come from nodes that have missed the marker; the listing then shows it.
        self._compare(upload.container, upload.marker, deleted)
        return deleted

    def listed(self, upload: Upload, written: Sequence[Timestamp], wanted: Set[str]) -> 'set[str]':
        """Return the names (``/container/object``) in all manifests that may list parts of an upload that is over.

        Asks the object at the key, and each version that is newer than the upload; stops once every wanted name is
        found. written: the timestamps that a manifest of the upload is known to have, or may have. Raises Uncertain.
        """
        keeps_versions = self._keeps_versions()
        # Without following a link: a user's link may lead to an object that has nothing to do with the key.
        response = self._head(upload.key, {})
        # The answer may come from nodes that have missed a manifest; the listing then shows something newer.
        self._compare(self._bucket, upload.key, timestamp_of(response))
        names = self._names(upload, response, {})
        if keeps_versions:
            # The current version is behind a link of Swift's own, which is followed here.
            current, response = self._backend.head_current(Target(self._bucket, upload.key))
            names |= self._names(upload, response, current.query)
            # A version that was replaced is readable still, and needs its parts.
            names |= self._versions(upload, written, wanted - names)
        # Asked once more, after the others: versions may have been switched on since, and the object that was at the
        # key, and then replaced, be a version now.
        if self._keeps_versions() != keeps_versions:
            raise Uncertain('versions of the bucket were switched on just now')
        return names

    def bucket_is_gone(self) -> bool:
        """Return whether the bucket was deleted. Raises Uncertain if Swift contradicts itself."""
        if self._backend.head_newest(Target(self._bucket)).is_success:
            return False
        # A 404 may come from nodes that have missed the bucket. Taken for gone, all of its objects would lose parts.
        if self._backend.account_lists(self._bucket):
            raise Uncertain('the account lists the bucket, and it cannot be found')
        return True

    def _keeps_versions(self) -> bool:
        """Return whether the bucket has, or once had, versions. Raises Uncertain if that cannot be told."""
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
        """Return the names in the manifests of the versions of the key, until all ``wanted`` ones are found."""
        if not self._backend.has_versions_container():
            raise Uncertain('the container of the versions is not found')
        # A marker is deleted just after the timestamp of a manifest, which is the id of the version. So this version is
        # found even if its row in the listing is late.
        told = [plain_time(timestamp) for timestamp in written]
        # Of the others the oldest first, since uploads are completed soon after they began.
        listed = self._listed_versions(upload)
        names: set[str] = set()
        for version in dict.fromkeys(told + sorted(listed)):
            if wanted <= names:
                break
            query = {'version-id': version}
            response = self._head(upload.key, query)
            # It is listed, so the 404 may come from nodes that have missed it.
            if response.status_int == 404 and version in listed:
                raise Uncertain('version %s is listed and not found' % version)
            names |= self._names(upload, response, query)
        return names

    def _listed_versions(self, upload: Upload) -> 'set[str]':
        """Return the ids of all versions of the key that are newer than the upload, and that of the null version."""
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
            # The listing has the newest version first, so what follows is older than the upload.
            if len(rows) < _PAGE or rows[-1]['version_id'] != 'null' and Timestamp(rows[-1]['version_id']) < began:
                return found
            marker = {'marker': rows[-1]['name'], 'version_marker': rows[-1]['version_id']}

    def _names(self, upload: Upload, head: Response, query: 'Mapping[str, str]') -> 'set[str]':
        """Return the names in the manifest that a HEAD with this ``query`` has shown; none if it was not a manifest."""
        if not head.is_success:
            return set()
        # It has no list of names, so nothing tells which parts it refers to.
        if head.headers.get('X-Object-Manifest', '').startswith(upload.container + '/'):
            raise Uncertain('a dynamic large object may refer to the parts')
        if not is_large(head):
            return set()
        # On condition that it is still the same: a plain object may have come in between, whose bytes are not wanted.
        target = Target(self._bucket, upload.key, query)
        response = self._backend.call('GET', target, (404, 412), {'X-Newest': 'true', 'If-Match': head.headers['Etag']})
        try:
            return {row['name'] for row in json.loads(response.body)}
        except (ValueError, TypeError, KeyError):
            raise Uncertain('a manifest cannot be read') from None

    def _head(self, key: str, query: 'dict[str, str]') -> Response:
        return self._backend.head_newest(Target(self._bucket, key, query))

    def _compare(self, container: str, name: str, seen: Timestamp) -> None:
        """Raise Uncertain if a listing shows something newer at a name than the object servers do.

        seen: the timestamp that these have told; 0 if they have told nothing.
        """
        target = Target(container, query={'format': 'json', 'prefix': name, 'limit': '1'})
        response = self._backend.call('GET', target, (404,))
        for row in json.loads(response.body) if response.is_success else []:
            if row.get('name') == name and Timestamp(
                    last_modified_date_to_timestamp(row['last_modified'])).normal > seen.normal:
                raise Uncertain('the listing of %s shows more than the object servers' % container)
