# SPDX-License-Identifier: Apache-2.0
"""A filter that breaks what passes it, for proxies of the tests, and its remote control.

The filter stands twice in the pipeline of a proxy: `above`, right of s3multi, where it meets the requests of s3multi;
and `below`, right of slo, where it meets those that slo makes as well. Rules and log are files, since the proxy is
another process.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import signal
import time
from collections import Counter
from pathlib import Path

import eventlet
from swift.common.middleware.s3api import s3request
from swift.common.swob import Request, Response, wsgi_to_str
from swift.common.utils import config_true_value, timestamp

from s3multi.operations import ending

from .behind import settle
from .uploads import TINY_PARTS

HOLD_SECONDS = 30
POLL_SECONDS = 0.01
# How long an Abort of these proxies waits before it looks again what became of a Complete.
BETWEEN_LOOKS_SECONDS = 0.1
FACTORY = f'{__name__}:filter_factory'


# In the proxy

class Broken(Exception):
    """What a rule raises: to the filters on the left the end of the proxy, for nothing that follows is done."""


class FaultFilter:
    """Follows the rules of its directory and logs there what passes."""

    def __init__(self, app, directory):
        self.app = app
        self._directory = directory
        self._rules_text = None
        self._rules = []
        self._seen = Counter()

    def __call__(self, env, start_response):
        request = Request(env)
        path = wsgi_to_str(request.path_info)
        line = json.dumps([request.method, path, request.query_string or '', env.get('swift.source', '')])
        with open(self._directory / 'log', 'a', encoding='utf-8') as log:
            log.write(line + '\n')
        rule = self._rule_for(request, path)
        app = self.app if rule is None else functools.partial(self._follow, rule)
        return app(env, start_response)

    def _rule_for(self, request, path):
        """Return the first rule that applies now. A rule applies from its `skip`th match on, `times` times."""
        text = (self._directory / 'rules').read_text(encoding='utf-8')
        if text != self._rules_text:
            self._rules_text, self._rules = text, json.loads(text)['rules']
            self._seen.clear()
        for number, rule in enumerate(self._rules):
            if rule['method'] in ('', request.method) and re.search(rule['path'], path):
                self._seen[number] += 1
                if rule.get('skip', 0) < self._seen[number] <= rule.get('skip', 0) + rule.get('times', 1 << 30):
                    return rule
        return None

    def _follow(self, rule, env, start_response):
        request = Request(env)
        if 'hold' in rule and not rule.get('after'):
            self._hold(rule['hold'])
        if rule.get('exit') and not rule.get('after'):
            os.kill(os.getpid(), signal.SIGKILL)
        if rule.get('die') and not rule.get('after'):
            raise Broken()
        if 'status' in rule:
            return Response(status=rule['status'])(env, start_response)
        request.headers.pop(rule.get('without', ''), None)
        response = request.get_response(self.app)
        body = response.body
        if 'cut' in rule:
            length = len(body)
            response.app_iter = _cut(body[:rule['cut']], rule.get('die'))
            # The length that was announced stays, which swob forgets with another body.
            response.content_length = length
            return response(env, start_response)
        if 'hold' in rule and rule.get('after'):
            self._hold(rule['hold'])
        if rule.get('exit'):
            os.kill(os.getpid(), signal.SIGKILL)
        if rule.get('die'):
            raise Broken()
        if 'hide' in rule and response.is_success:
            response.body = json.dumps([row for row in json.loads(body)
                                        if not re.search(rule['hide'], row.get('name', ''))]).encode()
        return response(env, start_response)

    def _hold(self, name):
        (self._directory / f'{name}.held').touch()
        deadline = time.monotonic() + HOLD_SECONDS
        while not (self._directory / f'{name}.go').exists() and time.monotonic() < deadline:
            eventlet.sleep(POLL_SECONDS)


def _cut(body, die):
    yield body
    if die:
        raise Broken()


def filter_factory(global_conf, **local_conf):
    """Options: directory, of rules and log; seconds_ahead, how far ahead the clock is that Swift's proxy code reads;
    next_s3api, whether s3api deletes as that of Swift's native multipart uploads does: without a look at the object.
    """
    ending._SECONDS_BETWEEN_LOOKS = BETWEEN_LOOKS_SECONDS
    if config_true_value(local_conf.get('next_s3api')):
        s3request.S3Request.gen_multipart_manifest_delete_query = lambda *_args, **_options: {}
    seconds_ahead = float(local_conf.get('seconds_ahead', 0))
    if seconds_ahead:
        timestamp.time = _ClockAhead(seconds_ahead)
    return functools.partial(FaultFilter, directory=Path(local_conf['directory']))


class _ClockAhead:
    def __init__(self, seconds):
        self._seconds = seconds

    def time(self):
        return time.time() + self._seconds


# In the tests

def rule(method, path, **words):
    """Return a rule for requests of this method ('' for any) whose path the regular expression `path` is found in.

    skip: how many matches to let pass first. times: how often it applies; for ever without. Then, in this order: hold:
    a name under which the request waits until it is released, before it is passed on, or with after=True when it is
    answered; exit: the proxy is gone at once; die: an exception is raised, `after` as above for both; status: this is
    answered, and nothing passed on; without: a header that is left out of the request; cut: after so many bytes the
    body of the answer ends, with die=True by an exception; hide: rows of a listing whose names the regular expression
    is found in are left out.
    """
    return {'method': method, 'path': path, **words}


class Faults:
    """The remote control of one FaultFilter."""

    def __init__(self, directory):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._serial = 0
        self._write([])
        self.forget()

    @contextlib.contextmanager
    def following(self, *rules):
        """Have the filter follow the rules inside the with block, and log afresh.

        What goes on behind the answers of the block follows them as well, and what went on before does not. Where a
        rule holds requests, those go on after the block, when there are no rules any more.
        """
        settle()
        self.forget()
        self._write(rules)
        held = [each['hold'] for each in rules if 'hold' in each]
        try:
            yield self
            if not held:
                settle()
        finally:
            self._write([])
            for name in held:
                self.release(name)

    def wait_held(self, name):
        """Wait until a request is held under this name."""
        deadline = time.monotonic() + HOLD_SECONDS
        while not (self.directory / f'{name}.held').exists():
            assert time.monotonic() < deadline, f'no request was held as {name}'
            time.sleep(POLL_SECONDS)

    def wait_for(self, method, path):
        """Wait until a request of this method has come whose path the regular expression `path` is found in."""
        deadline = time.monotonic() + HOLD_SECONDS
        while not any(seen[0] == method and re.search(path, seen[1]) for seen in self.requests()):
            assert time.monotonic() < deadline, f'no {method} of {path} came'
            time.sleep(POLL_SECONDS)

    def release(self, name):
        """Let go what is, or will be, held under this name."""
        (self.directory / f'{name}.go').touch()

    def forget(self):
        """Empty the log."""
        (self.directory / 'log').write_bytes(b'')
        for path in [*self.directory.glob('*.held'), *self.directory.glob('*.go')]:
            path.unlink()

    def requests(self):
        """Return what was logged: method, path below the account, query and swift.source of each request."""
        lines = (self.directory / 'log').read_text(encoding='utf-8').splitlines()
        return [(method, path.split('/', 3)[-1], query, source)
                for method, path, query, source in map(json.loads, lines)]

    def _write(self, rules):
        self._serial += 1
        text = json.dumps({'serial': self._serial, 'rules': list(rules)})
        draft = self.directory / 'rules.draft'
        draft.write_text(text, encoding='utf-8')
        os.replace(draft, self.directory / 'rules')


class FaultyProxy:
    """A proxy of the cluster with a FaultFilter on either side of slo; takes parts of any size."""

    def __init__(self, cluster, name, *, seconds_ahead=0, next_s3api=False, cache=None, s3api=None, slo=None,
                 **s3multi):
        """seconds_ahead, next_s3api: as for ``filter_factory``. cache, s3api, slo: options of these filters. Others are
        options of s3multi.
        """
        top = cluster.directory / 'faults' / name
        self._cluster, self.name = cluster, name
        self.above, self.below = Faults(top / 'above'), Faults(top / 'below')
        self._filters = {
            **TINY_PARTS,
            's3multi': {**TINY_PARTS['s3multi'], **s3multi},
            'cache': cache or {},
            's3api': s3api or {},
            'slo': {**TINY_PARTS['slo'], **(slo or {})},
            'above': {'paste.filter_factory': FACTORY, 'directory': top / 'above', 'seconds_ahead': seconds_ahead,
                      'next_s3api': next_s3api},
            'below': {'paste.filter_factory': FACTORY, 'directory': top / 'below'}}
        self.start()

    def start(self):
        """Start the proxy, again if it was killed; its address may change."""
        left, middle, right = self._cluster.pipeline.partition(' s3multi ')
        right, last, end = right.rpartition(' proxy-logging ')
        self.proxy = self._cluster.add_proxy(
            self.name, pipeline=f'{left}{middle}above {right} below{last}{end}', filters=self._filters)

    @property
    def url(self):
        return self.proxy.url
