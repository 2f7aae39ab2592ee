# SPDX-License-Identifier: Apache-2.0
"""Writes uploads and objects straight to the disks of a cluster, thousands in a second: rows of containers, and files.

They are what requests would have written. Where only rows are planted, nothing is behind them: that is enough for what
reads listings. The cluster has to run on one storage node, with one replica of everything.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3multi.demo.cluster import Cluster

if TYPE_CHECKING:
    from s3multi.upload.names import Upload

ACCOUNT, INITIATOR = 'AUTH_test', 'test:tester'
BATCH_ROWS = 10000
BLOCK = 1 << 20
EMPTY_MD5 = hashlib.md5(usedforsecurity=False).hexdigest()

Row = dict[str, Any]


@dataclass(frozen=True)
class Content:
    """The bytes of a planted object. data: at its beginning; zeros follow, as a hole in the file, up to size."""

    size: int
    etag: str
    data: bytes = b''

    @classmethod
    def of(cls, data: bytes) -> Content:
        """Return the Content that consists of these bytes."""
        return cls(len(data), hashlib.md5(data, usedforsecurity=False).hexdigest(), data)

    @classmethod
    def of_zeros(cls, size: int) -> Content:
        """Return the Content of so many zeros."""
        digest, zeros = hashlib.md5(usedforsecurity=False), bytes(BLOCK)
        for _block in range(size // BLOCK):
            digest.update(zeros)
        digest.update(zeros[:size % BLOCK])
        return cls(size, digest.hexdigest())


class Planter:
    """Plants in one account of a cluster that runs. now: the time of all that is planted, in units of 10 microseconds.
    """

    def __init__(self, cluster: Cluster) -> None:
        from swift.common import utils
        from swift.common.ring import Ring

        utils.set_swift_dir(str(cluster.swift_dir))
        from s3multi.operations.bucket import cluster_secret
        from s3multi.upload.names import UploadIds
        self._cluster = cluster
        self._hash_path = utils.hash_path
        self._storage_directory = utils.storage_directory
        self._ring = functools.lru_cache(None)(lambda name: Ring(str(cluster.swift_dir), ring_name=name))
        self._ids = UploadIds(cluster_secret())
        self.now = int(time.time() * 100000)

    def partition(self, container: str) -> int:
        """Return the partition that a container lies in."""
        return int(self._ring('container').get_part(ACCOUNT, container))

    def database(self, container: str) -> Path:
        """Return the path of the database of a container, as it was called before the container was sharded."""
        place = self._storage_directory('containers', self.partition(container), self._hash_path(ACCOUNT, container))
        directory = next(self._cluster.directory.glob(f'devices/*/{place}'))
        return directory / f'{directory.name}.db'

    def rows(self, container: str, rows: Iterable[Row]) -> None:
        """Add rows to the listing of a container that exists, 10,000 at a time."""
        from swift.container.backend import ContainerBroker
        broker = ContainerBroker(str(self.database(container)))
        left = iter(rows)
        while batch := list(itertools.islice(left, BATCH_ROWS)):
            broker.merge_items(batch)

    def row(self, name: str, size: int = 0, content_type: str = 'application/octet-stream',
            etag: str = EMPTY_MD5) -> Row:
        """Return the row of an object."""
        return {'name': name, 'created_at': f'{self.now / 100000:.5f}', 'size': size, 'content_type': content_type,
                'etag': etag, 'deleted': 0, 'storage_policy_index': 0}

    def object(self, container: str, name: str, content: Content, headers: dict[str, str]) -> None:
        """Write the file of an object. headers: its metadata, without those that every object has."""
        from swift.obj.diskfile import write_metadata
        place = self._storage_directory('objects', self._ring('object').get_part(ACCOUNT, container, name),
                                        self._hash_path(ACCOUNT, container, name))
        timestamp = f'{self.now / 100000:.5f}'
        directory = self._cluster.directory / 'devices' / 'd1' / place
        directory.mkdir(parents=True, exist_ok=True)
        with open(directory / f'{timestamp}.data', 'wb') as file:
            file.write(content.data)
            file.truncate(content.size)
            write_metadata(file, {
                'Content-Type': 'application/octet-stream', **headers, 'name': f'/{ACCOUNT}/{container}/{name}',
                'X-Timestamp': timestamp, 'ETag': content.etag, 'Content-Length': str(content.size)})

    def uploads(self, bucket: str, keys: Iterable[str]) -> Iterator[Upload]:
        """Yield new uploads of these keys, of which nothing is stored yet."""
        from s3multi.upload.names import Upload
        for key in keys:
            yield Upload(ACCOUNT, bucket, key, self._ids.new(ACCOUNT, bucket, key, self.now))

    @staticmethod
    def known(bucket: str, key: str, upload_id: str) -> Upload:
        """Return an upload that somebody has begun."""
        from s3multi.upload.names import Upload
        return Upload(ACCOUNT, bucket, key, upload_id)

    def open_uploads(self, bucket: str, keys: Sequence[str], parts: int) -> None:
        """Plant the rows of uploads in progress, of so many parts each. The bucket has to have had an upload."""
        from s3multi.upload.marker_names import markers_container
        from s3multi.upload.names import segments_container
        from s3multi.upload.records import MarkerType, State
        marker_type = MarkerType(State.OPEN, INITIATOR).encode()
        made = list(self.uploads(bucket, keys))
        self.rows(markers_container(bucket), (self.row(upload.marker, 0, marker_type) for upload in made))
        self.rows(segments_container(bucket), (
            row for upload in made for row in self.part_rows(upload, range(1, parts + 1), 1024)))

    def part_rows(self, upload: Upload, numbers: Iterable[int], size: int, etag: str = EMPTY_MD5) -> Iterator[Row]:
        """Yield the rows of attempts at these parts; at one number several, if it comes several times."""
        from s3multi.upload.names import new_attempt
        for number in numbers:
            yield self.row(upload.part(number, new_attempt(self.now)), size, etag=etag)

    def finished_objects(self, bucket: str, keys: Sequence[str], part: Content, parts: int, files: int) -> None:
        """Plant multipart objects of so many equal parts each. The bucket has to have had one.

        files: how many objects, at either end of the listing, have files; the others have rows alone.
        """
        from s3multi.upload.names import segments_container
        made = [self._finished(upload, part, parts, min(place, len(keys) - 1 - place) < files)
                for place, upload in enumerate(self.uploads(bucket, keys))]
        self.rows(bucket, (own for own, _rows in made))
        self.rows(segments_container(bucket), (row for _own, rows in made for row in rows))

    def _finished(self, upload: Upload, part: Content, parts: int, with_files: bool) -> tuple[Row, list[Row]]:
        """Write the files of one object, if it is to have any; return its row, and those of its parts."""
        from s3multi.s3.checksums import ObjectDigests
        from s3multi.s3.etags import multipart_etag
        from s3multi.s3.parts import Attempt
        from s3multi.upload import manifest
        rows = list(self.part_rows(upload, range(1, parts + 1), part.size, part.etag))
        chosen = [Attempt(number, row['name'], self.now, part.etag, part.size) for number, row in enumerate(rows, 1)]
        body = manifest.stored(upload, chosen)
        headers = manifest.stored_headers(upload, chosen, {}, ObjectDigests(multipart_etag([part.etag] * parts)), body)
        listed = {name.lower(): value for name, value in headers.items()}
        if with_files:
            for row in rows:
                self.object(upload.container, row['name'], part, {})
            self.object(upload.bucket, upload.key, Content.of(body), {
                name.title(): value for name, value in headers.items() if name.lower() != 'etag'})
        return self.row(upload.key, len(body), listed['content-type'],
                        listed[manifest.LISTING_ETAG_HEADER.lower()]), rows
