# SPDX-License-Identifier: Apache-2.0
"""Swift's proxy server in memory, with several replicas, late listings, and writes that overlap.

It stands at the end of the pipeline, so that Swift's own filters (SLO, versions, links) run over it unchanged.
``Nature`` decides what Swift leaves open: which replica answers, when a row becomes visible, and what happens between
the moment at which a PUT is judged and the one at which it is stored. ``tests/integration/test_swift_contract``
compares it with real servers.
"""
import functools
import hashlib
import json
import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from urllib.parse import parse_qsl

from greenlet import GreenletExit
from swift.common.exceptions import ChunkReadError
from swift.common.request_helpers import resolve_etag_is_at_header
from swift.common.swob import HeaderKeyDict, HTTPException, Request, Response, wsgi_to_str
from swift.common.utils import ShardRange, Timestamp, config_true_value, extract_swift_bytes
from swift.proxy.controllers.base import clear_info_cache

REPLICAS = 3
# Nodes that take a write for one of those, and that a read with X-Newest asks as well. There are three; two will do.
HANDOFFS = 2
NODES = REPLICAS + HANDOFFS
# What an object keeps of the headers of its PUT, besides metadata.
_KEPT_HEADERS = ('Content-Type', 'Content-Encoding', 'Content-Disposition', 'Content-Language', 'Cache-Control',
                 'Expires', 'X-Static-Large-Object', 'X-Object-Manifest', 'X-Delete-At')
_KEPT_PREFIXES = ('X-Object-Meta-', 'X-Object-Sysmeta-', 'X-Object-Transient-Sysmeta-')
_OVERRIDE = 'X-Object-Sysmeta-Container-Update-Override-'
_TEXT = {'Content-Type': 'text/html; charset=UTF-8'}


class Lost(Exception):
    """A request that may have reached Swift or not. s3multi is told only this status."""

    def __init__(self, status):
        super().__init__(status)
        self.status = status


class Nature:
    """Decides where Swift leaves a choice. This class chooses what happens on a healthy, quiet cluster."""

    def reach(self, env, what):
        """Do what happens before a request takes effect or, as ``commit``, before a PUT is stored. Raises Lost.

        what: method and native path of the request. If this returns a function, that is called instead of the effect,
        with a function that makes the effect.
        """

    def writes_to(self):
        """Return the nodes that a write reaches: at least two if Swift says that it succeeded, and at most three.

        From ``REPLICAS`` on they are those for handoffs.
        """
        return range(REPLICAS)

    def posts_to(self):
        """Return the nodes that a POST reaches, at least two."""
        return self.writes_to()

    def reads_from(self, stored):
        """Return the nodes that a read reaches, at least two of the replicas, in the order in which they answer.

        stored: what each node has.
        """
        return range(REPLICAS)

    def loses_sight(self):
        """Return whether a PUT takes for nothing what a replica has, because that was replaced while it was looked at.

        So does an object server (``DiskFileStateChanged`` in ``swift/obj/server.py``).
        """
        return False

    def row_is_late(self):
        """Return whether a replica of a listing will show a change only later."""
        return False

    def listing_of(self):
        """Return the replica that answers a listing."""
        return 0


@dataclass
class Stored:
    """An object as one replica has it. timestamp: in Swift's internal form, which sorts. body: None for a tombstone.

    posted: when its metadata were changed.
    """

    timestamp: str
    body: 'bytes | None' = None
    headers: 'dict[str, str]' = field(default_factory=dict)
    etag: str = ''
    posted: str = ''

    @functools.cached_property
    def digest(self):
        """A digest of all of it."""
        return hash((self.timestamp, self.body, tuple(self.headers.items()), self.posted))

    @functools.cached_property
    def shown(self):
        """The headers of an answer that shows it."""
        written = Timestamp(self.timestamp)
        timestamp = Timestamp(max(self.timestamp, self.posted))
        return {
            **self.headers, 'Etag': self.etag, 'Accept-Ranges': 'bytes', 'X-Timestamp': timestamp.normal,
            'X-Backend-Timestamp': timestamp.internal, 'X-Backend-Data-Timestamp': written.internal,
            'Last-Modified': _http_date(timestamp)}


@dataclass
class Container:
    """A container.

    headers: those that its answers show. rows: for each replica, timestamp and row by name; the row is None if it was
    deleted. late: rows that are not visible yet: replica, name, timestamp, row. shard: the same as ``rows``, for what
    was written since the container is being sharded, in a range that is not cleaved yet; or since its only shard, which
    then has ``rows``, shrinks into it; None while neither goes on. shrinks: whether the second. created,
    put, deleted: when it was put for the first and the last time, and last deleted, in Swift's internal form.
    """

    headers: 'dict[str, str]'
    rows: 'list[dict]' = field(default_factory=lambda: [{} for _ in range(REPLICAS)])
    late: 'list[tuple]' = field(default_factory=list)
    shard: 'dict | None' = None
    shrinks: bool = False
    created: str = '0'
    put: str = '0'
    deleted: str = '0'

    @property
    def is_there(self):
        """Whether it exists. A row that is added to a deleted container brings it back."""
        return self.put > self.deleted or any(row for rows in self.rows for _, row in rows.values())


_NO_CONTAINER = Container({})


class MemorySwift:
    """A WSGI app. Containers and objects of all accounts have native names: ``account/container[/object]``."""

    # Options of the proxy-server, which its filters look at.
    account_existence_skip_cache = container_existence_skip_cache = 0.0
    cors_allow_origin = cors_expose_headers = ()
    strict_cors_mode = True

    def __init__(self, nature=None):
        self.nature = nature or Nature()
        self.containers = {}
        self.objects = {}
        self.jobs = []
        # How many answers have hidden a tombstone.
        self.hidden = 0
        # Each is called with the name of an object, what was there and what is there now, as the newest replica has it.
        self.watchers = []
        # Each is called with the name of an object that is handed to the expirer.
        self.watchers_of_jobs = []
        # Called with each answer, if it is set.
        self.told = None

    # For tests

    def newest(self, name):
        """Return an object as the newest replica has it; None if that has nothing, or a tombstone."""
        found = self._newest(self.objects.get(name, ()))
        return found if found is not None and found.body is not None else None

    def names(self, container):
        """Return the names of all objects that are in a container, whatever its listing says."""
        prefix = container + '/'
        return sorted(name[len(prefix):] for name in list(self.objects)
                      if name.startswith(prefix) and self.newest(name) is not None)

    def has(self, container):
        """Return whether a container exists."""
        return container in self.containers and self.containers[container].is_there

    def keeps_versions(self, container):
        """Return whether a container keeps, or has kept, versions."""
        found = self.containers.get(container)
        return found is not None and 'X-Container-Sysmeta-Versions-Container' in found.headers

    def digest(self):
        """Return a digest of all that is stored, except for rows that are not those of the objects."""
        objects = frozenset((name, *[stored and stored.digest for stored in replicas])
                            for name, replicas in self.objects.items() if any(replicas))
        containers = frozenset((path, container.put, container.deleted, tuple(sorted(container.headers.items())))
                               for path, container in self.containers.items())
        return hash((objects, containers, tuple(sorted(self.jobs))))

    def copy(self):
        """Return all that is stored, for ``restore``."""
        return ({name: list(replicas) for name, replicas in self.objects.items()},
                {path: replace(container, headers=dict(container.headers),
                               rows=[dict(rows) for rows in container.rows], late=list(container.late),
                               shard=None if container.shard is None else dict(container.shard))
                 for path, container in self.containers.items()})

    def restore(self, stored):
        """Take over what ``copy`` of another Swift has returned."""
        self.objects, self.containers = stored
        self.objects, self.containers = self.copy()

    def expire(self):
        """Do all queued deletions, and delete what has expired, as the object expirer would.

        It deletes at the time at which something was to expire, and where a replica knows of that time.
        """
        for name in list(self.objects):
            stored = self.newest(name)
            if stored is not None and has_expired(stored):
                account, container, _ = name.split('/', 2)
                ends = stored.headers['X-Delete-At']
                knowing = [replica for replica, kept in enumerate(self._at(name))
                           if kept is not None and kept.headers.get('X-Delete-At') == ends]
                self._write('%s/%s' % (account, container), name, knowing, Stored(Timestamp(ends).internal))
        jobs, self.jobs = self.jobs, []
        for timestamp, account, container, name in jobs:
            path = '%s/%s' % (account, container)
            self._write(path, '%s/%s' % (path, name), range(REPLICAS), Stored(timestamp))

    def forget(self, before):
        """Forget what was deleted before a time (Swift's internal form), as Swift does after its ``reclaim_age``."""
        for replicas in self.objects.values():
            replicas[:] = [None if stored is not None and stored.body is None and stored.timestamp < before else stored
                           for stored in replicas]

    def replicate(self, name, source, target):
        """Copy an object from one node to another, which may have missed it. Return whether that changed it.

        A handoff goes once all replicas have it, or what is newer.
        """
        there = self._at(name)
        newer = self._newest([there[target], there[source]])
        changed, there[target] = newer is not there[target], newer
        if source >= REPLICAS and all(self._newest([each, there[source]]) is each for each in there[:REPLICAS]):
            there[source] = None
        return changed

    def replicate_posts(self, before):
        """Have all replicas know the POSTs that were made before a time (Swift's internal form)."""
        for replicas in self.objects.values():
            newest = self._newest(replicas)
            if newest is not None and newest.posted and newest.posted < before:
                replicas[:] = [newest if stored is not None and stored.timestamp == newest.timestamp else stored
                               for stored in replicas]

    def settle(self):
        """Do all queued deletions, make all replicas equal, and all rows visible."""
        self.expire()
        for replicas in self.objects.values():
            replicas[:] = [self._newest(replicas)] * REPLICAS + [None] * HANDOFFS
        for container in self.containers.values():
            self.show_rows(container)
            self.cleave(container)

    @staticmethod
    def split(container):
        """Begin to shard a container: new rows go to its shard, and are not listed."""
        if container.shard is None:
            container.shard, container.shrinks = {}, False

    @staticmethod
    def join(container):
        """Begin to join the only shard of a container to it: new rows go to the container, and are not listed."""
        if container.shard is None:
            container.shard, container.shrinks = {}, True

    def cleave(self, container):
        """End what ``split`` or ``join`` has begun."""
        for name, (timestamp, row) in (container.shard or {}).items():
            for rows in container.rows:
                self._merge(rows, name, timestamp, row)
        container.shard, container.shrinks = None, False

    def show_rows(self, container, choose=lambda row: True):
        """Make those late rows of a container visible for which ``choose`` returns True."""
        left = []
        for late in container.late:
            if choose(late):
                self._merge(container.rows[late[0]], *late[1:])
            else:
                left.append(late)
        container.late = left

    # WSGI

    def __call__(self, env, start_response):
        path = wsgi_to_str(env['PATH_INFO'])
        _, _version, account, *rest = path.split('/', 4)
        denied = env['swift.authorize'](Request(env)) if 'swift.authorize' in env else None
        if denied is not None:
            return denied(env, start_response)
        method = env['REQUEST_METHOD']
        if '\0' in path and 'HTTP_X_BACKEND_ALLOW_RESERVED_NAMES' not in env:
            return _send(start_response, 412, _TEXT)
        if len(rest) == 2 and rest[1] and rest[0].startswith('\0') is not rest[1].startswith('\0'):
            return _send(start_response, 400, _TEXT)
        query = dict(parse_qsl(env.get('QUERY_STRING', ''), keep_blank_values=True, errors='surrogateescape'))
        try:
            if len(rest) == 2 and rest[1] and method in ('GET', 'HEAD'):
                return self._object_get(env, start_response, account + '/' + rest[0], rest[1])
            status, headers, body = self.answer(env, account, rest, query)
        except Lost as lost:
            status, headers, body = lost.status, _TEXT, b''
        except HTTPException as refused:
            return refused(env, start_response)
        return _send(start_response, status, headers, body)

    def answer(self, env, account, rest, query):
        """Return status, headers and body for any request but the GET, or a HEAD with conditions, of an object.

        Raises Lost and HTTPException.

        rest: container and object, in native text, as far as they are asked for. query: a dict.
        """
        if self.told is None:
            return self._answer(env, account, rest, query)
        try:
            status, headers, body = self._answer(env, account, rest, query)
        except Exception as error:
            self.told(repr(error))
            raise
        self.told((status, tuple(headers.items()), body))
        return status, headers, body

    def _answer(self, env, account, rest, query):
        method = env['REQUEST_METHOD'].lower()
        if len(rest) == 2 and rest[1]:
            try:
                return getattr(self, '_object_' + method)(env, account + '/' + rest[0], rest[1])
            except ChunkReadError:
                return 499, _TEXT, b''
        if rest and rest[0]:
            return getattr(self, '_container_' + method)(env, account + '/' + rest[0], query)
        return self._account(env, account, query)

    def _account(self, env, account, query):
        prefix = account + '/'
        rows = {path[len(prefix):]: {'name': path[len(prefix):]} for path in list(self.containers)
                if path.startswith(prefix) and self.has(path)}
        if env['REQUEST_METHOD'] != 'GET':
            return 204, {}, b''
        page = _page(rows, query, 'HTTP_X_BACKEND_ALLOW_RESERVED_NAMES' in env)
        return 200, {'Content-Type': 'application/json; charset=utf-8'}, json.dumps(page).encode('ascii')

    # Objects

    def _object_put(self, env, container, name):
        headers = _headers(env)
        if not self.has(container):
            return 404, _TEXT, b''
        timestamp = _timestamp(headers)
        name = container + '/' + name
        before = list(self._at(name))
        act = self.nature.reach(env, 'PUT ' + name)
        if not self.has(container):
            return 404, _TEXT, b''
        # The PUT is judged now and stored later. Other requests may come in between.
        replicas = list(self.nature.writes_to())
        there = [stored for replica in replicas for stored in [self._at(name)[replica]] if stored is not None and not (
            before[replica] not in (None, stored) and self.nature.loses_sight())]
        if headers.get('If-None-Match') == '*' and any(stored.body is not None and not has_expired(stored)
                                                       for stored in there):
            return 412, _TEXT, b''
        if any(stored.timestamp >= timestamp for stored in there):
            return 202, _TEXT, b''
        body = env['wsgi.input'].read()
        if 'CONTENT_LENGTH' in env and env['CONTENT_LENGTH'] and len(body) < int(env['CONTENT_LENGTH']):
            return 499, _TEXT, b''
        etag = _md5(body)
        if env.get('swift.callback.update_footers'):
            footers = HeaderKeyDict()
            env['swift.callback.update_footers'](footers)
            headers.update(footers)
        if headers.get('Etag') and headers['Etag'].strip('"') != etag:
            return 422, _TEXT, b''
        kept = {key: value for key, value in headers.items()
                if key in _KEPT_HEADERS or key.startswith(_KEPT_PREFIXES)}
        kept.setdefault('Content-Type', 'application/octet-stream')
        stored = Stored(timestamp, body, kept, etag)

        def commit():
            self._write(container, name, replicas, stored)

        if act is not None:
            act(commit)
        else:
            self._commit(env, 'commit ' + name, commit)
        return 201, {**_TEXT, 'Etag': etag, 'Last-Modified': _http_date(timestamp)}, b''

    def _commit(self, env, what, commit):
        try:
            self.nature.reach(env, what)
        except GreenletExit as death:
            # If the proxy dies while a PUT runs, it may be stored or not.
            if getattr(death, 'args', None) and death.args[0] == 'stored':
                commit()
            raise
        commit()

    def _object_post(self, env, container, name):
        """Change the metadata of an object. X-Newest does not look whether a replica has missed that."""
        headers = _headers(env)
        name = container + '/' + name
        self.nature.reach(env, 'POST ' + name)
        before = self.newest(name)
        if before is None or has_expired(before):
            return 404, _TEXT, b''
        timestamp = _timestamp(headers)
        if timestamp <= max(before.timestamp, before.posted):
            return 409, _TEXT, b''
        kept = {key: value for key, value in before.headers.items()
                if key in ('Content-Type', 'X-Static-Large-Object') or key.startswith('X-Object-Sysmeta-')}
        kept.update((key, value) for key, value in headers.items() if value and (
            key in ('X-Object-Manifest', 'X-Delete-At') or key.startswith(_KEPT_PREFIXES)))
        after = replace(before, headers=kept, posted=timestamp)
        there = self._at(name)
        for replica in self.nature.posts_to():
            if there[replica] is not None and there[replica].timestamp == before.timestamp:
                there[replica] = after
        for watcher in self.watchers:
            watcher(name, before, after)
        shown = {key: value for key, value in kept.items() if key.startswith('X-Object-Sysmeta-')}
        return 202, {**_TEXT, **shown}, b''

    def _object_delete(self, env, container, name):
        timestamp = _timestamp(_headers(env))
        name = container + '/' + name
        act = self.nature.reach(env, 'DELETE ' + name)
        replicas = list(self.nature.writes_to())
        statuses = [503] * (REPLICAS - len(replicas))
        for replica in replicas:
            stored = self._at(name)[replica]
            if stored is None or stored.body is None:
                statuses.append(404)
            else:
                statuses.append(204 if stored.timestamp < timestamp else 409)

        def commit():
            self._write(container, name, replicas, Stored(timestamp))

        if act is not None:
            act(commit)
        else:
            commit()
        return _best(statuses), _TEXT, b''

    def _object_head(self, env, container, name):
        status, headers, body = self._look(env, container, name)
        return status, {**headers, 'Content-Length': str(len(body))} if status == 200 else headers, b''

    def _object_get(self, env, start_response, container, name):
        status, headers, body = self._look(env, container, name)
        if self.told is not None:
            self.told((status, tuple(headers.items()), body))
        if status != 200 or 'Accept-Ranges' not in headers:
            # Swift has read no body where it has chosen no replica, and compares nothing.
            return _send(start_response, status, headers)
        request = Request(env)
        response = Response(request=request, body=body, conditional_response=True,
                            conditional_etag=resolve_etag_is_at_header(request, headers))
        response.headers.update(headers)
        return response(env, start_response)

    def _look(self, env, container, name):
        """Return status, headers and body of a GET without conditions."""
        self.nature.reach(env, '%s %s/%s' % (env['REQUEST_METHOD'], container, name))
        opens = env.get('HTTP_X_BACKEND_OPEN_EXPIRED', '').lower() == 'true'
        status, stored, is_chosen = self._read(container + '/' + name, env.get('HTTP_X_NEWEST', '').lower() == 'true',
                                               lambda stored: stored.body is None or has_expired(stored) and not opens)
        if status != 200:
            found = {} if stored is None else {'X-Backend-Timestamp': stored.timestamp}
            return status, {**_TEXT, **found}, b''
        shown = stored.shown
        return 200, shown if is_chosen else {
            name: value for name, value in shown.items() if name != 'Accept-Ranges'}, stored.body

    def _read(self, name, newest, is_gone):
        """Return the status of a read, what is shown (a tombstone or None for 404), and whether a replica was chosen.

        It is as in ``GetOrHeadHandler`` and ``best_response`` of ``swift/proxy/controllers/base.py``. is_gone: returns
        for what a node has whether it answers 404.
        """
        there = self._at(name)
        nodes = self.nature.reads_from(there)
        if not newest:
            nodes = sorted(nodes, key=lambda node: node >= REPLICAS)
        answers, deleted, passed_over = [], '', False
        for node in nodes:
            stored = there[node]
            if stored is None:
                # A replica may not be there yet, and handoffs are not there as a rule.
                if node < REPLICAS and passed_over:
                    answers.append((404, None))
                passed_over = passed_over or node < REPLICAS
            elif is_gone(stored):
                answers.append((404, stored))
                deleted = max(deleted, stored.timestamp)
            elif stored.timestamp >= deleted:
                if not newest:
                    return 200, stored, True
                answers.append((200, stored))
        chosen = [stored for status, stored in answers if status == 200 and stored.timestamp >= deleted]
        if chosen:
            return 200, max(chosen, key=lambda stored: stored.timestamp), True
        # By majority: what was met before a newer tombstone counts, but not what was met after it.
        for wanted in (200, 404):
            alike = [stored for status, stored in answers if status == wanted]
            if alike and len(alike) >= (len(answers) + 1) // 2:
                self.hidden += wanted == 200
                return wanted, alike[0], False
        return 503, None, False

    def _at(self, name):
        return self.objects.setdefault(name, [None] * NODES)

    def last(self, name):
        """Return the newest that any replica has of an object, tombstones included; None if there is nothing."""
        return self._newest(self.objects.get(name, ()))

    @staticmethod
    def _newest(replicas):
        first = replicas[0] if replicas else None
        for stored in replicas:
            if stored is not first and stored is not None:
                break
        else:
            # Mostly all are the same.
            return first
        return max((stored for stored in replicas if stored is not None),
                   key=lambda stored: (stored.timestamp, stored.posted), default=None)

    def _write(self, container, name, replicas, stored):
        there = self._at(name)
        before = self.newest(name)
        written = False
        for replica in replicas:
            if there[replica] is None or there[replica].timestamp < stored.timestamp:
                there[replica] = stored
                written = True
        if not written:
            return
        self._update_listing(container, name[len(container) + 1:], stored)
        after = self.newest(name)
        # Of equal writes that reach different replicas the second one changes nothing.
        if _version(after) != _version(before):
            for watcher in self.watchers:
                watcher(name, before, after)

    # Containers

    def _update_listing(self, path, name, stored):
        container = self.containers.get(path)
        if container is None:
            return
        row = None if stored.body is None else _row(name, stored)
        if container.shard is not None:
            self._merge(container.shard, name, stored.timestamp, row)
            return
        for replica in range(REPLICAS):
            if self.nature.row_is_late():
                container.late.append((replica, name, stored.timestamp, row))
            else:
                self._merge(container.rows[replica], name, stored.timestamp, row)

    @staticmethod
    def _merge(rows, name, timestamp, row):
        if name not in rows or rows[name][0] < timestamp:
            rows[name] = timestamp, row

    def _container_put(self, env, path, _query):
        _forget(env)
        timestamp = _timestamp(_headers(env))
        there = self.has(path)
        container = self.containers.setdefault(path, Container({}, created=timestamp))
        if not there:
            container.headers.clear()
        container.put = max(container.put, timestamp)
        self._container_post(env, path, _query)
        return 202 if there else 201, _TEXT, b''

    def _container_post(self, env, path, _query):
        _forget(env)
        if not self.has(path):
            return 404, _TEXT, b''
        for name, value in _headers(env).items():
            if name.startswith(('X-Container-Sysmeta-', 'X-Container-Meta-')) or name in ('X-Container-Read',
                                                                                          'X-Container-Write'):
                self.containers[path].headers[name] = value
                if not value:
                    del self.containers[path].headers[name]
        return 204, _TEXT, b''

    def _container_delete(self, env, path, _query):
        timestamp = _timestamp(_headers(env))
        _forget(env)
        act = self.nature.reach(env, 'DELETE ' + path)
        if not self.has(path):
            return 404, _TEXT, b''
        container = self.containers[path]
        # Real replicas of a listing judge by their rows alone, and would let the container go if all rows of an object
        # were late. These do not.
        if any(row for rows in container.rows for _, row in rows.values()) or self.names(path):
            return 409, _TEXT, b''
        if timestamp <= container.put:
            return 409, _TEXT, b''

        def commit():
            container.deleted = max(container.deleted, timestamp)

        if act is not None:
            act(commit)
        else:
            commit()
        return 204, _TEXT, b''

    def _container_head(self, _env, path, _query):
        if not self.has(path):
            return 404, self._container_times(path), b''
        return 204, self._container_headers(path), b''

    def _container_get(self, env, path, query):
        self.nature.reach(env, 'GET ' + path)
        root = path[len('.shards_'):-len('-shard')] if path.startswith('.shards_') else path
        if not self.has(root):
            return 404, self._container_times(root), b''
        container = self.containers[root]
        kind = env.get('HTTP_X_BACKEND_RECORD_TYPE')
        if kind == 'shard':
            state = ShardRange.SHRINKING if container.shrinks else ShardRange.CREATED
            body = [dict(ShardRange('.shards_%s-shard' % path, Timestamp(0), state=state))]
            if query.get('states') == 'shrinking' and not container.shrinks:
                body = []
            return 200, {'Content-Type': 'application/json; charset=utf-8'}, json.dumps(body).encode('ascii')
        # What takes new rows is not listed: the shard, or the container itself.
        unlisted = kind == 'object' and container.shrinks if path == root else not container.shrinks
        rows = container.shard if unlisted else container.rows[self.nature.listing_of()]
        if rows is None:
            # The shard has been joined to its container again since somebody learnt of it.
            return 404, self._container_times(root), b''
        path = root
        shown = {name: row for name, (_timestamp, row) in rows.items() if row is not None}
        page = _page(shown, query, 'HTTP_X_BACKEND_ALLOW_RESERVED_NAMES' in env)
        return (200, {**self._container_headers(path), 'Content-Type': 'application/json; charset=utf-8'},
                json.dumps(page).encode('ascii'))

    def _container_headers(self, path):
        count = len(self.names(path))
        return {**self.containers[path].headers, **self._container_times(path),
                'X-Container-Object-Count': str(count),
                'X-Backend-Sharding-State': self._sharding_state(self.containers[path]),
                'X-Backend-Storage-Policy-Index': '0', 'X-Storage-Policy': 'gold'}

    @staticmethod
    def _sharding_state(container):
        return 'unsharded' if container.shard is None else 'sharded' if container.shrinks else 'sharding'

    def _container_times(self, path):
        container = self.containers.get(path, _NO_CONTAINER)
        return {**_TEXT, 'X-Backend-Timestamp': container.created, 'X-Backend-Put-Timestamp': container.put,
                'X-Backend-Delete-Timestamp': container.deleted}

    def _container_update(self, env, path, _query):
        self.nature.reach(env, 'UPDATE ' + path)
        for row in json.loads(env['wsgi.input'].read()):
            timestamp, _, path = row['name'].partition('-')
            self.jobs.append((Timestamp(timestamp).internal, *path.split('/', 2)))
            for watcher in self.watchers_of_jobs:
                watcher(path)
        return 202, _TEXT, b''


def _version(stored):
    return stored and (stored.timestamp, stored.etag)


def _forget(env):
    """Clear the cached info of a container, as a proxy does before it changes one."""
    _, _, account, container = env['PATH_INFO'].split('/')
    clear_info_cache(env, wsgi_to_str(account), wsgi_to_str(container))


def _send(start_response, status, headers, body=b''):
    start_response('%d Swift In Memory' % status, [*headers.items(), ('Content-Length', str(len(body)))])
    return [body]


def _headers(env):
    headers = {_header(name): value for name, value in env.items() if name.startswith('HTTP_')}
    if env.get('CONTENT_TYPE'):
        headers['Content-Type'] = env['CONTENT_TYPE']
    return headers


@functools.lru_cache(10000)
def _header(name):
    return name[len('HTTP_'):].replace('_', '-').title()


def _timestamp(headers):
    return Timestamp(headers['X-Timestamp']).internal if 'X-Timestamp' in headers else Timestamp.now().internal


def has_expired(stored):
    """Say whether an object has outlived its X-Delete-At, while the expirer has not come yet."""
    return int(stored.headers.get('X-Delete-At', 0) or 1 << 40) <= float(Timestamp.now())


def _http_date(timestamp):
    return _date_of_second(math.ceil(float(Timestamp(timestamp))))


@functools.lru_cache(10000)
def _isoformat(timestamp):
    return Timestamp(timestamp).isoformat


@functools.lru_cache(10000)
def _date_of_second(second):
    return formatdate(second, usegmt=True)


def _md5(body):
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def _best(statuses):
    """Return the status of a DELETE for those of three replicas, as ``best_response`` of Swift's proxy does."""
    for found in (statuses, [204 if status == 404 else status for status in statuses]):
        for hundred in (200, 400):
            alike = [status for status in found if hundred <= status < hundred + 100]
            if len(alike) > REPLICAS // 2:
                return max(alike)
    return 503


def _row(name, stored):
    headers = stored.headers
    kind, size = extract_swift_bytes(headers.get(_OVERRIDE + 'Content-Type', headers['Content-Type']))
    if size is None:
        size = headers.get(_OVERRIDE + 'Size', len(stored.body))
    return {'name': name, 'hash': headers.get(_OVERRIDE + 'Etag', stored.etag), 'bytes': int(size),
            'content_type': kind, 'last_modified': _isoformat(stored.timestamp)}


def _page(rows, query, reserved):
    """Return a page of a listing, as ``list_objects_iter`` of Swift's container server does."""
    limit = int(query.get('limit') or 10000)
    if config_true_value(query.get('reverse')):
        turned = {'limit': len(rows), 'reverse': '', 'marker': query.get('end_marker', ''),
                  'end_marker': query.get('marker', '')}
        return _page(rows, {**query, **turned}, reserved)[::-1][:limit]
    names = sorted(rows, key=lambda name: name.encode('utf-8', 'surrogateescape'))
    keys = [name.encode('utf-8', 'surrogateescape') for name in names]
    prefix, marker, end_marker, delimiter = (query.get(name, '') for name in (
        'prefix', 'marker', 'end_marker', 'delimiter'))
    if prefix.endswith(('\ud7ff', '\U0010ffff')):
        # Swift takes the next code point to find the end.
        raise Lost(500)
    place = max(bisect_right(keys, marker.encode('utf-8', 'surrogateescape')) if marker else 0,
                bisect_left(keys, prefix.encode('utf-8', 'surrogateescape')))
    page = []
    while place < len(names) and len(page) < limit:
        name = names[place]
        if not name.startswith(prefix) or end_marker and keys[place] >= end_marker.encode('utf-8', 'surrogateescape'):
            break
        if name.startswith('\0') and not reserved:
            place += 1
            continue
        end = name.find(delimiter, len(prefix)) if delimiter else -1
        if end < 0:
            page.append(rows[name])
            place += 1
            continue
        folded = name[:end + len(delimiter)]
        if folded != marker:
            page.append({'subdir': folded})
        place = bisect_left(keys, (name[:end] + delimiter[:-1] + chr(ord(delimiter[-1]) + 1)).encode(
            'utf-8', 'surrogateescape'))
    return page
