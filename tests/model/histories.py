# SPDX-License-Identifier: Apache-2.0
"""Histories of one key, through S3 and through the Swift API, and the invariant that is watched in them.

*No readable object, version or manifest in the account ever loses a part of a finished upload through s3multi.* And no
container goes that s3multi has not made, and in the end nothing is left that nobody needs.
"""
import base64
import hashlib
from urllib.parse import quote, unquote

from .account import ACCOUNT, DAY_SECONDS, Account, listed_by
from .kinds import BUCKET, SEGMENTS
from .swift import has_expired

OTHER = 'other'
KEY = 'key'
FOREIGN = ('foreign_segments', OTHER + '_segments')
_BODIES = (b'one', b'two', b'three')
_VERSIONS_HEADER = 'X-Container-Sysmeta-Versions-Container'
_SEGMENTS = '%s/%s/' % (ACCOUNT, SEGMENTS)


class Lost(AssertionError):
    """What must never be lost."""


class History:
    """An account with one bucket, and what may happen in it; each happening is a method without an underscore.

    rng: chooses which of several. versions: whether the cluster keeps versions.
    """

    def __init__(self, rng, versions=True):
        self._rng = rng
        self.account = Account(rng, versions)
        self.told = []
        # Parts of finished uploads; what each dynamic large object consisted of when it was made; saved manifests.
        self._finished, self._dynamic, self._saved = set(), {}, []
        self._foreign = set()
        self.lost = []

    def begin(self):
        """Make the bucket, another container, and watch."""
        account = self.account
        account.s3('PUT', BUCKET)
        account.api('PUT', OTHER)
        account.swift.watchers.append(self._changed)
        account.swift.watchers_of_jobs.append(lambda name: self._gone(name, 'queued'))

    def happen(self, what, *arguments):
        """Have something happen, and check. Raises Lost."""
        answer = getattr(self, what)(*arguments)
        self.told.append('%s%s: %s' % (what, arguments, getattr(answer, 'outcome', answer)))
        for container in self._foreign:
            if not self.account.swift.has('%s/%s' % (ACCOUNT, container)):
                self.lost.append('the container %s was deleted' % container)
        if self.lost or self.account.logger.errors:
            raise Lost('%s\n%s' % ('\n'.join(self.lost + self.account.logger.errors), '\n'.join(self.told)))
        return answer

    # Through S3

    def upload(self):
        return self.account.upload(BUCKET, KEY, *_BODIES[:self._rng.choice((1, 2, 2, 3))])

    def upload_and_abort(self):
        upload_id = self.account.s3('POST', BUCKET, KEY, {'uploads': ''}).text('UploadId')
        self.account.s3('PUT', BUCKET, KEY, {'uploadId': upload_id, 'partNumber': 1}, body=b'part')
        return self.account.s3('DELETE', BUCKET, KEY, {'uploadId': upload_id})

    def put(self, place=(BUCKET, KEY)):
        return self.account.s3('PUT', *place, body=b'plain')

    def delete(self, place=(BUCKET, KEY)):
        return self.account.s3('DELETE', *place)

    def delete_version(self, which=None):
        ids = self.account.versions(BUCKET, KEY)
        if not ids:
            return None
        version = self._rng.choice(ids) if which is None else ids[which]
        return self.account.s3('DELETE', BUCKET, KEY, {'versionId': version})

    def delete_many(self, versions=True):
        """Delete Objects: what is at both keys, or some versions of the one."""
        ids = self.account.versions(BUCKET, KEY)
        chosen = self._rng.sample(ids, min(2, len(ids))) if versions else ['']
        body = '<Delete>%s</Delete>' % ''.join('<Object><Key>%s</Key>%s</Object>' % (
            key, '<VersionId>%s</VersionId>' % version if version else '')
            for key, version in [(KEY, version) for version in chosen] + ([] if versions else [('copy', '')]))
        digest = base64.b64encode(hashlib.md5(body.encode()).digest()).decode()
        return self.account.s3('POST', BUCKET, query={'delete': ''}, headers={'Content-MD5': digest},
                               body=body.encode()) if chosen else None

    def copy(self, version='', place=(BUCKET, 'copy')):
        """Copy Object. version: as the client writes it."""
        source = '/%s/%s%s' % (BUCKET, KEY, '?versionId=' + version if version else '')
        answer = self.account.s3('PUT', *place, headers={'x-amz-copy-source': source})
        stored = self.account.swift.newest('/'.join((ACCOUNT, *place)))
        if answer.status == 200 and stored is not None and listed_by(stored) & self._parts():
            self.lost.append('a copy through S3 has the parts of its source')
        return answer

    def delete_bucket(self):
        """All objects are deleted before, and it is made again; sometimes."""
        for key in (KEY, 'copy'):
            self.account.s3('DELETE', BUCKET, key)
        answer = self.account.s3('DELETE', BUCKET)
        if self._rng.random() < 0.7:
            self.account.s3('PUT', BUCKET)
        return answer

    def delete_other_bucket(self):
        self.account.s3('DELETE', OTHER, 'copy')
        answer = self.account.s3('DELETE', OTHER)
        self.account.api('PUT', OTHER)
        return answer

    # Through the Swift API

    def api_put(self, place=(BUCKET, KEY)):
        return self.account.api('PUT', *place, body=b'plain')

    def api_delete(self, place=(BUCKET, KEY)):
        return self.account.api('DELETE', *place)

    def copy_manifest(self, source=(BUCKET, KEY), place=(BUCKET, 'copy'), version=''):
        query = 'multipart-manifest=get' if self._rng.random() < 0.7 else 'multipart%2Dmanifest=get'
        query += '&version-id=' + version if version else ''
        if self._rng.random() < 0.5:
            return self.account.api('COPY', *source, query, {'Destination': quote('/'.join(place))})
        return self.account.api('PUT', *place, query, {'X-Copy-From': quote('/'.join(source))})

    def restore(self, which=-1):
        """Bring a version back, by a copy of its manifest."""
        ids = self.account.versions(BUCKET, KEY)
        return self.copy_manifest(place=(BUCKET, KEY), version=ids[which]) if ids else None

    def save(self):
        """Keep the manifest at the key."""
        answer = self.account.api('GET', BUCKET, KEY, 'multipart-manifest=get&format=raw')
        if answer.headers.get('X-Static-Large-Object') == 'True':
            self._saved.append(answer.body)
        return answer

    def put_saved(self, place=(BUCKET, KEY)):
        """Write a manifest that was kept."""
        if not self._saved:
            return None
        return self.account.api('PUT', *place, 'multipart-manifest=put', body=self._rng.choice(self._saved))

    def put_dynamic(self, place=(BUCKET, 'copy'), post=False, encoded=None):
        """Make a dynamic large object of the parts, written in one of many ways."""
        parts = sorted(self._parts())
        if not parts:
            return None
        prefix = self._rng.choice(parts)[len(SEGMENTS) + 1:].rpartition('/')[0] + self._rng.choice(('', '/', '/0000'))
        container, written = SEGMENTS, quote(prefix)
        if self._rng.random() < 0.6 if encoded is None else encoded:
            container, written = container.replace('_', '%5F'), quote(prefix, safe='').replace('%2F', '/', 1)
        headers = {'X-Object-Manifest': '%s/%s' % (container, written)}
        return self.account.api('POST' if post else 'PUT', *place, headers=headers)

    def put_link(self, place=(BUCKET, 'copy')):
        """Make a symbolic link to a part."""
        parts = sorted(self._parts())
        return self.account.api('PUT', *place, headers={
            'X-Symlink-Target': quote(self._rng.choice(parts))}) if parts else None

    def copy_link(self, source=(BUCKET, 'copy'), place=(OTHER, 'copy')):
        return self.account.api('COPY', *source, 'symlink=get', {'Destination': '/'.join(place)})

    def expires(self, seconds=3600):
        """Give what is at the key an end."""
        return self.account.api('POST', BUCKET, KEY, headers={
            'X-Delete-At': str(int(self.account.schedule.now) + seconds)})

    def keep_versions(self, on=True):
        if not self.account.swift.has('%s/%s' % (ACCOUNT, BUCKET)):
            # Swift would make a container for the versions of nothing.
            return None
        return self.account.api('POST', BUCKET, headers={'X-Versions-Enabled': str(on)})

    def put_foreign(self, name=None):
        """Make a container whose name ends like those of uploads, with an ACL; or give that of the uploads one."""
        name = name or self._rng.choice((*FOREIGN, SEGMENTS))
        answer = self.account.api('PUT', name, headers={'X-Container-Read': '.r:*'})
        self._foreign.add(name)
        return answer

    # By itself

    def wait(self, seconds):
        return self.account.wait(seconds)

    def rows_are_late(self, chance):
        self.account.nature.chance = chance

    def clocks_differ(self, seconds):
        """From now on the clock of every proxy is wrong by up to so many seconds."""
        self.account.skew = seconds

    def shard(self, joins):
        """Begin to split all containers into shards, or (joins) to join their only shards to them."""
        swift = self.account.swift
        for container in swift.containers.values():
            (swift.join if joins else swift.split)(container)

    def cleave(self):
        """End that."""
        for container in self.account.swift.containers.values():
            self.account.swift.cleave(container)

    def sweep(self):
        return sorted(outcome.what for outcome in self.account.sweep().values())

    def expire(self):
        return self.account.expire()

    def end(self):
        """Sweep until nothing changes any more. Raises Lost for what nobody needs."""
        self.rows_are_late(0)
        swift, bucket = self.account.swift, '%s/%s' % (ACCOUNT, BUCKET)
        versions = '%s/\0versions\0%s' % (ACCOUNT, BUCKET)
        if swift.has(bucket) and _VERSIONS_HEADER in swift.containers[bucket].headers and not swift.has(versions):
            # A DELETE of the bucket was refused, but Swift had deleted its container of versions before.
            self.happen('keep_versions')
        for _ in range(4):
            self.wait(4 * DAY_SECONDS)
            self.account.swift.settle()
            self.happen('sweep')
        self.happen('nothing_is_left')
        self.happen('no_note_is_left')

    def nothing_is_left(self):
        """No part of a finished upload is stored that nobody needs."""
        needed = {part for name, stored in self._readable() for part in self._refers(name, stored, now=True)}
        self.lost += ['%s is left' % part for part in self._parts() if part not in needed]

    def no_note_is_left(self):
        """No note is stored of an upload that has no parts any more."""
        names = self.account.swift.names(_SEGMENTS[:-1])
        uploads = {name.rpartition('/')[0] for name in names if '/0000' in name}
        self.lost += ['%s is left' % name for name in names
                      if '/shared' in name and name.rpartition('/')[0] not in uploads]

    # What is watched

    def _changed(self, name, before, after):
        if name.startswith(_SEGMENTS):
            if before is not None and after is None:
                self._gone(name, 'deleted')
            return
        if after is None:
            return
        if after.headers.get('X-Object-Sysmeta-S3Api-Upload-Id') and name == '%s/%s/%s' % (ACCOUNT, BUCKET, KEY) or (
                '\0' in name):
            self._finished |= {part for part in listed_by(after) if part.startswith(SEGMENTS + '/')}
        if 'X-Object-Manifest' in after.headers and (before is None or before.headers != after.headers):
            self._dynamic[name] = self._beginning(after)

    def _parts(self):
        """Return the parts of finished uploads that are stored, as ``container/object``."""
        return self._finished & {'%s/%s' % (SEGMENTS, name) for name in self.account.swift.names(_SEGMENTS[:-1])}

    def _gone(self, name, how):
        """Note who loses a part that is deleted, or is going to be."""
        part = name[len(ACCOUNT) + 1:]
        if part not in self._finished:
            return
        for reader, stored in self._readable():
            if part in self._refers(reader, stored):
                self.lost.append('%s of %s was %s' % (part, reader, how))

    def _readable(self):
        for name in list(self.account.swift.objects):
            stored = self.account.swift.newest(name)
            if stored is not None and not has_expired(stored):
                yield name, stored

    def _refers(self, name, stored, now=False):
        """Return the parts to which an object refers: a dynamic large one to those that there were when it was made."""
        parts = listed_by(stored)
        if 'X-Object-Manifest' in stored.headers:
            parts |= self._beginning(stored) if now else self._dynamic.get(name, set())
        return parts

    def _beginning(self, stored):
        prefix = unquote(stored.headers['X-Object-Manifest'])
        return {part for part in self._parts() if part.startswith(prefix)}
