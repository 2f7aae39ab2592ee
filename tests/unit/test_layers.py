# SPDX-License-Identifier: Apache-2.0
"""Who may import whom: read from the source, so that an arrow that breaks the layers fails here."""
import ast
import dataclasses
import importlib
from pathlib import Path

import pytest

import s3multi

PACKAGE = Path(s3multi.__file__).parent

# The rules of S3 as plain functions and values: no WSGI, no request to Swift.
DOMAIN = ('errors', 'cors', 'quotas', 'digests', 'conditions', 'checksums', 'layout', 'state', 'lifecycle',
          'bucket_life', 'parts', 'checksum_rules', 'request_headers', 'copy_source', 'pages', 'documents',
          'attributes', 'manifest', 'config', 'sweep', 'sweep.rules')
SHELL = ('pipeline', 'expiry', 'subrequest', 's3_acl', 'part_body', 'wire', 'heartbeat', 'hints', 'records', 'store',
         'finished_parts', 'stock_uploads', 'session', 'readers', 'copies', 'references')
OPERATIONS = ('operations', 'operations.settle', 'operations.guard', 'operations.conclude', 'operations.prove',
              'operations.replace', 'operations.upload_part', 'operations.copy_part', 'operations.initiate',
              'operations.complete', 'operations.abort', 'operations.delete_bucket', 'operations.list_parts',
              'operations.list_uploads', 'operations.read_checksum', 'operations.get_attributes')
# A room imports only what stands before it.
SWEEP = ('sweep.walk', 'sweep.judge', 'sweep.bucket', 'sweep.queue', 'sweep.accounts', 'sweep.cluster', 'sweep.report',
         'sweep.__main__')
ORDER = ('__init__',) + DOMAIN + SHELL + OPERATIONS + ('filter', 'bucket_view', 'front') + SWEEP

PACKAGES = ('operations', 'sweep')

# What operations share; any other arrow between them is none.
BETWEEN_OPERATIONS = {
    'operations.conclude': ['operations.settle', 'operations.guard'],
    'operations.abort': ['operations.settle'],
    'operations.delete_bucket': ['operations.settle'],
    'operations.complete': ['operations.conclude', 'operations.guard', 'operations.prove', 'operations.replace'],
    'operations.prove': ['operations.settle'],
    'operations.copy_part': ['operations.upload_part'],
}

# Foreign modules that only some rooms know.
ALONE = {
    'anycrc': ['checksums'],
    'lxml': ['documents'],
    'simplejson': ['expiry', 'manifest', 'records', 'stock_uploads', 'store'],
    'paste': ['pipeline'],
    'swift.common.middleware.s3api': ['bucket_view', 'front', 's3_acl'],
    'swift.proxy': ['subrequest'],
    'swift.common.wsgi': ['pipeline', 'subrequest'],
}
# What the domain may take from outside: values, and nothing that asks anybody.
FOREIGN_TO_DOMAIN = {
    'checksums': [('anycrc', None)],
    'documents': [('lxml.etree', None)],
    'manifest': [('simplejson', None), ('swift.common.utils', 'extract_swift_bytes')],
    'bucket_life': [('swift.common.utils', 'Timestamp')],
    'state': [('swift.common.utils', 'Timestamp')],
    'lifecycle': [('swift.common.utils', 'Timestamp')],
    'sweep.rules': [('swift.common.utils', 'Timestamp')],
}
FOREIGN = ('swift', 'anycrc', 'eventlet', 'lxml', 'simplejson', 'paste', 'boto3', 'botocore', 'requests', 'swiftclient')
INPUT_OUTPUT = ('asyncio', 'ftplib', 'http', 'io', 'logging', 'multiprocessing', 'os', 'pathlib', 'select', 'shutil',
                'socket', 'socketserver', 'ssl', 'subprocess', 'tempfile', 'threading', 'time', 'urllib.request',
                'wsgiref')
# What makes or sends a request to the pipeline.
SENDING = {'make_env': ['subrequest'], 'make_subrequest': ['subrequest'], 'make_pre_authed_request': ['subrequest'],
           'make_pre_authed_env': ['subrequest'], 'blank': ['subrequest'], 'get_response': ['subrequest', 'front'],
           'call_application': ['subrequest'], 'get_container_info': ['subrequest'], 'get_account_info': ['subrequest'],
           'get_object_info': ['subrequest']}
WITH_THE_OPERATORS_RIGHTS = ('request', 'answer', 'call')


def source_of(room):
    """Return the text of a room."""
    return (PACKAGE / (room.replace('.', '/') + '.py') if room not in PACKAGES
            else PACKAGE / room / '__init__.py').read_text()


def rooms():
    """Return the rooms there are, but for the demo."""
    names = (path.relative_to(PACKAGE).with_suffix('').as_posix() for path in PACKAGE.rglob('*.py'))
    return sorted(name.replace('/__init__', '').replace('/', '.') for name in names if not name.startswith('demo/'))


def is_in(module, package):
    """Say whether a module is ``package`` or lies in it."""
    return module == package or module.startswith(package + '.')


def imports(room, tree):
    """Yield module and name (None for the module itself) of every import, wherever it stands."""
    base = ['s3multi', *room.split('.')[:-1]] if room not in PACKAGES else ['s3multi', room]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            inside = base[:len(base) + 1 - node.level] if node.level else []
            module = '.'.join(inside + ([node.module] if node.module else []))
            yield from ((module, alias.name) for alias in node.names)


def imported_room(module, name):
    """Return the room that an import reaches, None when it is none of ours."""
    if not is_in(module, 's3multi'):
        return None
    inner = module[len('s3multi.'):] or '__init__'
    child = name if inner == '__init__' else '%s.%s' % (inner, name)
    return child if name and child in ORDER + ('demo',) else inner


def faults(room, source):
    """Return what in ``source``, taken as the text of ``room``, breaks the layers."""
    tree = ast.parse(source)
    found = []
    for module, name in imports(room, tree):
        shown = '%s imports %s from %s' % (room, name, module) if name else '%s imports %s' % (room, module)
        target = imported_room(module, name)
        if target is not None:
            if target not in ORDER or ORDER.index(target) >= ORDER.index(room):
                found.append(shown + ': arrows point up only')
            if room in OPERATIONS and (target in OPERATIONS and target not in BETWEEN_OPERATIONS.get(room, ())
                                       or name in ('run', 'Backend')):
                found.append(shown + ': operations share little')
        elif room in DOMAIN and (
                any(is_in(module, package) for package in INPUT_OUTPUT)
                or any(is_in(module, package) for package in FOREIGN)
                and (module, name) not in FOREIGN_TO_DOMAIN.get(room, ())):
            found.append(shown + ': the domain asks nobody')
        whole = module if name is None else '%s.%s' % (module, name)
        found += [shown + ': not its business' for package, allowed in ALONE.items()
                  if is_in(whole, package) and room not in allowed]
        if name == '*' or is_in(module, 'importlib') or is_in(module, 'tests'):
            found.append(shown + ': its origin is hidden')
    return found + [fault for node in ast.walk(tree) for fault in sendings(room, node)]


def sendings(room, node):
    """Yield what ``node`` does that only one room may do: make requests, or import behind our back."""
    called = getattr(node, 'attr', None) or getattr(node, 'id', None) or (
        node.name if isinstance(node, ast.alias) else None)
    if room not in SENDING.get(called, [room]):
        yield '%s uses %s: requests are made by subrequest' % (room, called)
    if called == '__import__':
        yield '%s uses %s' % (room, called)
    if (room in OPERATIONS and isinstance(node, ast.Attribute) and node.attr in WITH_THE_OPERATORS_RIGHTS
            and isinstance(node.value, ast.Attribute) and node.value.attr == 'backend'):
        yield '%s uses backend.%s: what Swift is asked for, the store asks' % (room, node.attr)


@pytest.mark.parametrize('room', rooms())
def test_arrows_point_up(room):
    """Each room imports only rooms before it, and foreign modules only where they belong."""
    assert [] == faults(room, source_of(room))


def test_every_room_has_its_place():
    """A room that is added is put in the order first, and one that is gone leaves it."""
    assert sorted(ORDER) == rooms()


@pytest.mark.parametrize('room, source', [
    ('parts', 'from s3multi.store import Store'),
    ('parts', 'from s3multi import store'),
    ('parts', 'import s3multi.store'),
    ('parts', 'from . import store'),
    ('parts', 'from .store import Store'),
    ('errors', 'def f():\n    from s3multi.documents import document'),
    ('errors', 'if TYPE_CHECKING:\n    from s3multi.wire import Call'),
    ('parts', 'from s3multi.parts import x'),
    ('parts', 'import swift'),
    ('parts', 'from swift.common.utils import Timestamp'),
    ('state', 'from swift.common.utils import Timestamp, get_logger'),
    ('state', 'import swift.common.utils'),
    ('manifest', 'from swift.common.swob import Request'),
    ('documents', 'from lxml import html'),
    ('pages', 'import lxml.etree'),
    ('config', 'import eventlet'),
    ('config', 'import os.path'),
    ('documents', 'from urllib.request import urlopen'),
    ('documents', 'import simplejson'),
    ('operations.prove', 'import simplejson as json'),
    ('store', 'import lxml.etree'),
    ('filter', 'from swift.common.middleware.s3api import s3response'),
    ('filter', 'from swift.common.middleware import s3api'),
    ('store', 'from swift.proxy.controllers.base import get_container_info'),
    ('operations.abort', 'from swift.common.wsgi import make_pre_authed_request'),
    ('operations.abort', 'import swift.common.wsgi\nswift.common.wsgi.make_subrequest(env)'),
    ('store', 'from swift.common.swob import Request\nRequest.blank("/v1/a")'),
    ('session', 'request.get_response(app)'),
    ('operations.abort', 'from s3multi.operations.complete import run'),
    ('operations.abort', 'from s3multi.operations import complete'),
    ('operations.abort', 'from . import complete'),
    ('operations.copy_part', 'from s3multi.operations.upload_part import run'),
    ('operations.abort', 'from s3multi.operations.upload_part import store_attempt'),
    ('operations.complete', 'from s3multi.subrequest import Backend'),
    ('operations.complete', 'session.backend.request("PUT", target)'),
    ('operations.complete', 'session.backend.call("PUT", target, ())'),
    ('operations.complete', 'from s3multi.filter import route'),
    ('filter', 'from s3multi.front import S3MultiFront'),
    ('filter', 'from s3multi.demo import cluster'),
    ('front', 'from s3multi import demo'),
    ('front', 'import s3multi.demo.cluster'),
    ('front', 'from tests.unit import fakes'),
    ('parts', 'from s3multi.errors import *'),
    ('parts', 'import importlib\nimportlib.import_module("swift")'),
    ('parts', '__import__("swift")'),
], ids=lambda value: value.splitlines()[-1].strip() if ' ' in value else value)
def test_arrows_that_point_down_are_seen(room, source):
    """The check above can fail, on every kind of arrow."""
    assert faults(room, source)


@pytest.mark.parametrize('room, source', [
    ('parts', 'from s3multi.errors import InvalidPart'),
    ('parts', 'from . import errors'),
    ('parts', 'import re\nfrom urllib.parse import quote'),
    ('state', 'from swift.common.utils import Timestamp'),
    ('documents', 'import lxml.etree'),
    ('store', 'from s3multi import manifest\nimport simplejson as json'),
    ('operations.copy_part', 'from s3multi.operations.upload_part import read_target, store_attempt'),
    ('operations.copy_part', 'session.backend.send_as_client("GET", target)'),
    ('filter', 'from s3multi import __version__, config\nfrom s3multi.operations import abort, complete'),
    ('front', 'from swift.common.middleware.s3api import s3api\nrequest.get_response(app)'),
], ids=lambda value: value.splitlines()[-1].strip() if ' ' in value else value)
def test_arrows_that_point_up_are_not_held_against_anybody(room, source):
    """Nor is the check so strict that it would be switched off."""
    assert [] == faults(room, source)


@pytest.mark.parametrize('path', [pytest.param(path, id=path.relative_to(PACKAGE).as_posix())
                                  for path in sorted(PACKAGE.rglob('*.py'))])
def test_modules_are_short_and_say_what_they_are(path):
    """At most 300 lines, a licence in the first, and a docstring."""
    text = path.read_text()

    assert text.count('\n') <= 300
    assert text.startswith('# SPDX-License-Identifier: Apache-2.0\n')
    assert ast.get_docstring(ast.parse(text))


# Filled while a page or an answer is made.
IN_THE_MAKING = {'UploadsPage'}


@pytest.mark.parametrize('room', DOMAIN)
def test_values_of_the_domain_cannot_be_changed(room):
    """What was checked when it was made stays as it was."""
    module = importlib.import_module('s3multi.' + room)
    values = [kind for kind in vars(module).values()
              if dataclasses.is_dataclass(kind) and kind.__module__ == module.__name__]

    assert [] == [kind.__name__ for kind in values
                  if not kind.__dataclass_params__.frozen and kind.__name__ not in IN_THE_MAKING]
