# SPDX-License-Identifier: Apache-2.0
"""Which manifests list the parts of an upload that is over. Raises ``Uncertain`` for what cannot be known for certain.

Parts are deleted because of these answers alone, and Swift's answers may be wrong: a 404 can come from nodes that have
missed the write, or that are not those of the object. So what is *not* there must be missing in two places that do not
depend on each other: on the object servers, and in a listing. A listing may lack what was written lately, so it proves
something only about what is older (``Horizon``), or about a key at which something newer is seen.
"""
from collections.abc import Iterable, Mapping, Set

from swift.common.middleware.symlink import TGT_OBJ_SYMLINK_HDR
from swift.common.swob import Response, wsgi_to_str, wsgi_unquote
from swift.common.utils import Timestamp, config_true_value, last_modified_date_to_timestamp

from s3multi.storage import shards
from s3multi.storage.answers import timestamp_of
from s3multi.storage.objects import is_large, object_of
from s3multi.storage.records import marker_type_of
from s3multi.storage.requests import Backend, Target
from s3multi.storage.rows import Row, read_rows
from s3multi.upload.lateness import Horizon, Life, may_just_have_moved
from s3multi.upload.manifest import Segment, read_stored
from s3multi.upload.marker_names import is_listable
from s3multi.upload.names import Upload
from s3multi.upload.records import ObjectAtKey, State
from s3multi.upload.timestamps import plain_time, read_timestamp, swift_time

_DELETE_MARKER = 'application/x-deleted;swift_versions_deleted=1'
_PAGE = 1000
# What has outlived its X-Delete-At is there until the expirer comes, and may be read and kept until then.
_EXPIRED_TOO = {'X-Newest': 'true', 'X-Backend-Open-Expired': 'true'}


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
        response = self._backend.head_newest(Target(upload.marker_container, upload.marker))
        deleted = timestamp_of(response)
        if response.is_success and marker_type_of(response).state is State.COMPLETED:
            # As good as deleted then, and it is the newest: no 404 of a node that has missed something.
            return deleted
        if response.status_int != 404:
            raise Uncertain('the marker is there again')
        # The 404 may come from nodes that have missed the marker; the listing then shows it.
        self._compare(upload.marker_container, upload.marker, deleted)
        return deleted

    def listed(self, upload: Upload, wanted: Set[str], life: Life, known: Horizon) -> 'set[str]':
        """Return the names (``/container/object``) in all manifests that may list parts of an upload that is over.

        Asks the object at the key, and each version that is newer than the upload; stops once every wanted name is
        found. life: of the upload, all of it before ``known.shown_before``. Raises Uncertain.
        """
        keeps_versions = self._keeps_versions()
        head, names = self._at_key(upload, wanted)
        if keeps_versions:
            # A version that was replaced is readable still, and needs its parts.
            names |= self._of_versions(upload, head, wanted - names, life, known)
        # Asked once more, after the others: versions may have been switched on since, and the object that was at the
        # key, and then replaced, be a version now.
        if self._keeps_versions() != keeps_versions:
            raise Uncertain('versions of the bucket were switched on just now')
        return names

    def listed_instead(self, upload: Upload, wanted: Set[str], replaced: Timestamp) -> 'set[str]':
        """Return the names in what is at the key now, in place of the object that was written at ``replaced``.

        Raises Uncertain, also if nothing newer is found at the key, and if there may be versions.
        """
        head, names = self._at_key(upload, wanted)
        # So an answer of a replica that is behind proves nothing. Nor does a repeated Complete, which writes the same
        # manifest once more.
        if timestamp_of(head) <= replaced:
            raise Uncertain('nothing newer is found at the key')
        # After that look: versions may have been switched on since, with this object as the first.
        if self._keeps_versions():
            raise Uncertain('the bucket keeps versions')
        return names

    def segments_of(self, key: str, version: 'str | None') -> 'list[Segment]':
        """Return the segments of a large object, or of a version of it. Raises Uncertain."""
        query = {'version-id': version} if version is not None else {}
        head = self._head(key, query)
        if not is_large(head):
            raise Uncertain('it is no large object any more')
        return self._segments(key, head, query)

    def listed_elsewhere(self, upload: Upload, places: 'Iterable[tuple[str, str] | None]', wanted: Set[str],
                         life: Life, known: Horizon) -> 'set[str]':
        """Return the names in what is at other places of the account, until all ``wanted`` ones are found.

        places: as ``Notes.places`` yields them. Raises Uncertain.
        """
        names: set[str] = set()
        for place in places:
            if wanted <= names:
                break
            if place is None:
                raise Uncertain('a note is listed and not found')
            container, name = place
            there = References(self._backend.beside(container), container)
            names |= there.listed(Upload(upload.account, container, name, upload.id), wanted - names, life, known)
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

    def _at_key(self, upload: Upload, wanted: Set[str]) -> 'tuple[Response, set[str]]':
        """Return what is at the key itself, a link or not, and the names in it."""
        head = self._head(upload.key, {})
        # The answer may come from nodes that have missed a manifest; the listing then shows something newer.
        self._compare(self._bucket, upload.key, timestamp_of(head))
        return head, self._names(upload.key, head, {}, wanted)

    def _of_versions(self, upload: Upload, at_key: Response, wanted: Set[str], life: Life,
                     known: Horizon) -> 'set[str]':
        """Return the names in the versions of the key, until all ``wanted`` ones are found."""
        container = self._backend.head_versions_container()
        if not container.is_success:
            raise Uncertain('the container of the versions is not found')
        self._check_listed(None, container)
        # The listing need not show the current version, to which the link at the key leads, nor those whose times are
        # known: a marker is deleted just after the timestamp of a manifest, which is the id of the version.
        current = at_key.headers.get('X-Object-Version-Id', 'null')
        told = [current] * (current != 'null') + [plain_time(timestamp) for timestamp in life.written]
        times = self._versions(upload, known.most_versions)
        # Of the others the oldest first, since uploads are completed soon after they began. The null one is at the key.
        listed = sorted(version for version, content_type in times.items()
                        if version != 'null' and content_type != _DELETE_MARKER)
        names: set[str] = set()
        for version in dict.fromkeys(told + listed):
            if wanted <= names:
                return names
            query = {'version-id': version}
            response = self._head(upload.key, query)
            # It is shown, so the 404 may come from nodes that have missed it.
            if response.status_int == 404 and version in (current, *listed):
                raise Uncertain('version %s is listed and not found' % version)
            names |= self._names(upload.key, response, query, wanted)
        if not wanted <= names and may_just_have_moved(life, timestamp_of(at_key), times, known):
            raise Uncertain('it may have become a version just now')
        return names

    def _versions(self, upload: Upload, most: 'int | None') -> 'dict[str, str]':
        """Return the content types of all that was written at the key since an upload began, by version id."""
        if not is_listable(upload.key):
            raise Uncertain('Swift cannot list the versions of a key that ends so')
        found: dict[str, str] = {}
        began = swift_time(upload.ticks)
        marker: dict[str, str] = {}
        while True:
            target = Target(self._bucket, query={'versions': 'true', 'format': 'json', 'prefix': upload.key,
                                                 'limit': str(_PAGE), **marker})
            rows = read_rows(self._backend.call('GET', target, ()))
            for row in rows:
                if row.get('name') != upload.key:
                    return found
                version = _version_of(row)
                if version == 'null' or Timestamp(version) > began:
                    found[version] = str(row.get('content_type'))
                if most is not None and len(found) > most:
                    raise Uncertain('the key has more versions than can be asked now')
            # The listing has the newest version first, so what follows is older than the upload.
            if len(rows) < _PAGE or version != 'null' and Timestamp(version) < began:
                return found
            marker = {'marker': upload.key, 'version_marker': version}

    def _names(self, key: str, head: Response, query: 'Mapping[str, str]', wanted: Set[str]) -> 'set[str]':
        """Return the names of all that the thing refers to that a HEAD with this ``query`` has shown.

        It may be an SLO, a DLO or a link. Of a DLO the ``wanted`` names are returned alone.
        """
        if not head.is_success:
            return set()
        names = _dynamic(head, wanted) | _link(head)
        return names | {segment.path for segment in self._segments(key, head, query)} if is_large(head) else names

    def _segments(self, key: str, head: Response, query: 'Mapping[str, str]') -> 'list[Segment]':
        """Return the segments in the manifest that a HEAD with this ``query`` has shown."""
        # On condition that it is still the same: a plain object may have come in between, whose bytes are not wanted.
        headers = {**_EXPIRED_TOO, 'If-Match': head.headers.get('Etag', '')}
        response = self._backend.call('GET', Target(self._bucket, key, query), (404, 412), headers)
        try:
            return [segment for segment in read_stored(response.body) if segment.path.removeprefix('/')]
        except ValueError:
            raise Uncertain('a manifest cannot be read') from None

    def _head(self, key: str, query: 'Mapping[str, str]') -> Response:
        return self._backend.call('HEAD', Target(self._bucket, key, query), (404,), _EXPIRED_TOO)

    def _compare(self, container: str, name: str, seen: Timestamp) -> None:
        """Raise Uncertain if a listing shows something newer at a name than the object servers do.

        seen: the timestamp that these have told; 0 if they have told nothing.
        """
        # Without a prefix the row of the name is the last one that is not after it.
        place = {'prefix': name} if is_listable(name) else {'reverse': 'true', 'marker': name + '\x01'}
        target = Target(container, query={'format': 'json', 'limit': '1', **place})
        response = self._backend.call('GET', target, (404,))
        self._check_listed(container, response)
        for row in read_rows(response):
            if row.get('name') == name and _modified(row).normal > seen.normal:
                raise Uncertain('the listing of %s shows more than the object servers' % container)

    def _check_listed(self, container: 'str | None', answer: Response) -> None:
        """Raise Uncertain if a listing need not show what was written long ago.

        That is so while the container is split into shards, and while shards are joined. container: None stands for
        that of the versions. answer: its answer to any request.
        """
        state = shards.state_of(answer)
        # Small containers for which sharding is switched on are never split. A replica that has not heard of shards for
        # so long would lack rows without any shards, too.
        if state == 'sharding' or shards.may_be_split(answer) and self._backend.has_shards(shards.ANY_STATE, container):
            raise Uncertain('a container is being sharded')
        if state == 'sharded' and self._backend.has_shards('shrinking', container):
            raise Uncertain('shards of a container are being joined')


def _version_of(row: Row) -> str:
    """Return the id of the version that a row is of, or ``null``. Raises Uncertain."""
    if 'version_id' not in row:
        raise Uncertain('the pipeline shows no versions')
    version = row['version_id']
    if not isinstance(version, str) or version != 'null' and not read_timestamp(version):
        raise Uncertain('a version has an id that cannot be read')
    return version


def _modified(row: Row) -> Timestamp:
    """Return when what a row is of was last changed. Raises Uncertain."""
    try:
        return Timestamp(last_modified_date_to_timestamp(row['last_modified']))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        raise Uncertain('a listing has a time that cannot be read') from None


def _dynamic(head: Response, wanted: Set[str]) -> 'set[str]':
    """Return which of the ``wanted`` a Dynamic Large Object consists of. DLO decodes the prefix that it was given."""
    prefix = head.headers.get('X-Object-Manifest')
    return set() if prefix is None else {
        name for name in wanted if name.startswith('/' + wsgi_to_str(wsgi_unquote(prefix)))}


def _link(head: Response) -> 'set[str]':
    """Return what a symbolic link leads to, in whichever account."""
    target = head.headers.get(TGT_OBJ_SYMLINK_HDR)
    return set() if target is None else {'/' + wsgi_to_str(wsgi_unquote(target))}
