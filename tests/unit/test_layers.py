# SPDX-License-Identifier: Apache-2.0
"""Which package may import which, checked in the source: a package imports only packages above it in ``ABOVE``."""
import ast
import dataclasses
import importlib
from pathlib import Path

import s3multi

PACKAGE = Path(s3multi.__file__).parent

# Each package, and the packages that it may import besides itself.
ABOVE = {
    's3': (),
    'config': ('s3',),
    'upload': ('s3',),
    'storage': ('s3', 'upload'),
    'operations': ('s3', 'config', 'upload', 'storage'),
    'filters': ('s3', 'config', 'upload', 'storage', 'operations'),
    'commands': ('s3', 'config', 'upload', 'storage', 'operations'),
    'space': ('s3', 'config', 'upload', 'storage', 'operations', 'commands'),
    'sweep': ('s3', 'config', 'upload', 'storage', 'operations', 'commands'),
    'check': ('s3', 'config', 'upload', 'storage', 'operations', 'commands'),
    'demo': (),
}
# Packages and modules of plain functions and values: no request, no clock, no file. Of Swift, each may import only the
# names that are listed, which are values or functions too.
PURE = {'s3': (), 'config': (), 'sweep.rules': ('Timestamp',), 'check.rules': ('Timestamp',), 'upload': (
    'Timestamp', 'extract_swift_bytes', 'get_reserved_name', 'parse_content_type', 'split_reserved_name')}
# Foreign modules, and the only places that may import them.
ALONE = {
    'anycrc': ('s3.checksums',),
    'lxml': ('s3.documents',),
    'paste': ('filters.startup_checks', 'commands.cluster'),
    'swift.common.middleware.s3api': ('filters',),
    'swift.common.wsgi': ('storage.requests', 'filters.startup_checks', 'commands.cluster'),
    'swift.proxy': ('storage.requests', 'filters.startup_checks'),
}
# The functions that make or send requests to the pipeline, and the only places that may call them.
SENDING = {name: ('storage.requests',) for name in (
    'make_env', 'make_subrequest', 'make_pre_authed_request', 'make_pre_authed_env', 'blank', 'call_application',
    'get_container_info', 'get_account_info', 'get_object_info')}
SENDING['get_response'] = ('storage.requests', 'filters.s3api')
FOREIGN = ('swift', 'anycrc', 'eventlet', 'lxml', 'simplejson', 'paste', 'boto3', 'botocore', 'requests', 'swiftclient')
NOT_ABOVE = ': not above it'
ALLOWED_TO_PURE = {'s3': ('anycrc', 'lxml.etree'), 'upload': ('simplejson',)}
INPUT_OUTPUT = ('asyncio', 'ftplib', 'http', 'io', 'logging', 'multiprocessing', 'os', 'pathlib', 'select', 'shutil',
                'socket', 'socketserver', 'ssl', 'subprocess', 'tempfile', 'threading', 'time', 'urllib.request',
                'wsgiref')


def modules():
    """Return the product's modules by dotted name, without ``s3multi`` in front; a package by its own name."""
    found = {}
    for path in PACKAGE.rglob('*.py'):
        parts = path.relative_to(PACKAGE).with_suffix('').parts
        found['.'.join(parts[:-1] if parts[-1] == '__init__' else parts)] = path
    return found


MODULES = modules()


def is_in(module, place):
    """Return whether a module is ``place`` or lies in it."""
    return module == place or module.startswith(place + '.')


def package_of(module):
    """Return the package at the top that a module lies in."""
    return module.partition('.')[0]


def imports(module, tree):
    """Yield module and name (None for the module itself) of every import, wherever it stands."""
    base = ['s3multi', *module.split('.')]
    if (MODULES.get(module) or PACKAGE / 'x.py').name != '__init__.py':
        base = base[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            inside = base[:len(base) + 1 - node.level] if node.level else []
            origin = '.'.join(inside + ([node.module] if node.module else []))
            yield from ((origin, alias.name) for alias in node.names)


def own_module(origin, name):
    """Return the module of s3multi that an import reaches, '' for s3multi itself, None for a foreign module."""
    if not is_in(origin, 's3multi'):
        return None
    inner = origin[len('s3multi.'):]
    child = '%s.%s' % (inner, name) if inner else name
    return child if child in MODULES else inner


def pure_place(module):
    """Return the entry of PURE that a module lies in, None if there is none."""
    return next((place for place in PURE if is_in(module, place)), None)


def faults(module, source):
    """Return a line for everything in ``source``, taken as the text of ``module``, that breaks a rule."""
    tree = ast.parse(source)
    found = []
    for origin, name in imports(module, tree):
        shown = '%s imports %s from %s' % (module, name, origin) if name else '%s imports %s' % (module, origin)
        target = own_module(origin, name)
        if target:
            package = package_of(module)
            if package_of(target) not in (package, *ABOVE.get(package, ())):
                found.append(shown + NOT_ABOVE)
        elif target is None and pure_place(module) is not None:
            found += [shown + ': asks somebody'] if asks(pure_place(module), origin, name) else []
        whole = origin if name is None else '%s.%s' % (origin, name)
        found += [shown + ': not its business' for foreign, places in ALONE.items()
                  if is_in(whole, foreign) and not any(is_in(module, place) for place in places)]
        if name == '*' or is_in(origin, 'importlib') or is_in(origin, 'tests'):
            found.append(shown + ': its origin is hidden')
    return found + [fault for node in ast.walk(tree) for fault in sendings(module, node)]


def asks(place, origin, name):
    """Return whether a foreign import brings input or output to a place of plain functions."""
    if is_in(origin, 'swift'):
        return origin not in ('swift.common.utils', 'swift.common.request_helpers') or name not in PURE[place]
    return (any(is_in(origin, each) for each in INPUT_OUTPUT)
            or any(is_in(origin, each) for each in FOREIGN) and origin not in ALLOWED_TO_PURE.get(place, ()))


def sendings(module, node):
    """Yield a line if ``node`` makes a request where it may not, or imports in a way that this test cannot see."""
    called = getattr(node, 'attr', None) or getattr(node, 'id', None) or (
        node.name if isinstance(node, ast.alias) else None)
    if module not in SENDING.get(called, (module,)):
        yield '%s uses %s: requests are made by storage.requests' % (module, called)
    if called == '__import__':
        yield '%s uses %s' % (module, called)


def circles():
    """Return the modules that import themselves by way of others."""
    reached = {module: {target for origin, name in imports(module, ast.parse(path.read_text()))
                        if (target := own_module(origin, name))} for module, path in MODULES.items()}
    for middle in MODULES:
        for module in MODULES:
            if middle in reached[module]:
                reached[module] |= reached[middle]
    return [module for module in MODULES if module in reached[module]]


def test_packages_import_only_packages_above_them():
    """Foreign modules are imported only where they belong. Of the demo only the imports of other packages count."""
    assert [] == [fault for module, path in MODULES.items() for fault in faults(module, path.read_text())
                  if package_of(module) != 'demo' or fault.endswith(NOT_ABOVE)]


def test_no_module_imports_itself_by_way_of_others():
    """Within a package this is the only rule."""
    assert [] == circles()


def test_every_package_has_its_place():
    """A package that is added needs a place in the order, and one that is removed leaves it."""
    assert sorted(ABOVE) == sorted({package_of(module) for module in MODULES} - {''})


BREAKING = (
    ('s3.parts', 'from s3multi.storage.segments import Segments'),
    ('s3.parts', 'from s3multi.storage import segments'),
    ('s3.parts', 'import s3multi.storage.segments'),
    ('s3.parts', 'from ..storage import segments'),
    ('s3.parts', 'from ..storage.segments import Segments'),
    ('s3.parts', 'from s3multi.config import Settings'),
    ('config', 'from s3multi.upload import names'),
    ('upload.names', 'def f():\n    from s3multi.storage.requests import Target'),
    ('storage.records', 'if TYPE_CHECKING:\n    from s3multi.operations.bucket import Bucket'),
    ('operations.abort', 'from s3multi.filters.routes import route'),
    ('filters.s3multi', 'from s3multi.sweep import rules'),
    ('sweep.bucket', 'from s3multi.filters import s3multi'),
    ('check.run', 'from s3multi.sweep import rules'),
    ('sweep.bucket', 'from s3multi.check import rules'),
    ('check.rules', 'from s3multi.check.asking import eventlet\nimport eventlet'),
    ('commands.cluster', 'from s3multi.sweep import rules'),
    ('filters.s3multi', 'from s3multi.commands import lines'),
    ('filters.s3multi', 'from s3multi.demo import cluster'),
    ('filters.s3api', 'from s3multi import demo'),
    ('demo.cluster', 'from ..upload import names'),
    ('filters.s3api', 'from tests.unit import fakes'),
    ('s3.parts', 'import swift'),
    ('s3.parts', 'from swift.common.utils import Timestamp'),
    ('upload.records', 'from swift.common.utils import Timestamp, get_logger'),
    ('upload.records', 'import swift.common.utils'),
    ('upload.manifest', 'from swift.common.swob import Request'),
    ('sweep.rules', 'import eventlet'),
    ('config', 'import os.path'),
    ('s3.documents', 'from urllib.request import urlopen'),
    ('s3.documents', 'from lxml import html'),
    ('s3.pages', 'import lxml.etree'),
    ('storage.segments', 'import lxml.etree'),
    ('storage.segments', 'from swift.common.middleware.s3api import s3response'),
    ('operations.abort', 'from swift.common.middleware import s3api'),
    ('storage.segments', 'from swift.proxy.controllers.base import get_container_info'),
    ('operations.abort', 'from swift.common.wsgi import make_pre_authed_request'),
    ('operations.abort', 'import swift.common.wsgi\nswift.common.wsgi.make_subrequest(env)'),
    ('storage.segments', 'from swift.common.swob import Request\nRequest.blank("/v1/a")'),
    ('operations.bucket', 'request.get_response(app)'),
    ('s3.parts', 'from s3multi.s3.errors import *'),
    ('s3.parts', 'import importlib\nimportlib.import_module("swift")'),
    ('s3.parts', '__import__("swift")'),
)
KEEPING = (
    ('s3.parts', 'from s3multi.s3.errors import InvalidPart'),
    ('s3.parts', 'from . import errors'),
    ('s3.parts', 'import re\nfrom urllib.parse import quote'),
    ('config', 'from s3multi.s3.parts import MAX_PART_NUMBER'),
    ('upload.records', 'from swift.common.utils import Timestamp'),
    ('s3.documents', 'import lxml.etree'),
    ('storage.segments', 'from s3multi.upload import manifest\nimport simplejson as json'),
    ('operations.copy_part', 'from s3multi.operations.upload_part import read_target'),
    ('filters.s3multi', 'from s3multi import __version__, config\nfrom s3multi.operations import abort'),
    ('filters.s3api', 'from swift.common.middleware.s3api import s3api\nrequest.get_response(app)'),
)


def test_the_check_can_fail():
    """It fails for every kind of import that breaks a rule, and for none that keeps them."""
    assert [] == [case for case in BREAKING if not faults(*case)]
    assert [] == [case for case in KEEPING if faults(*case)]


def test_modules_are_short_and_say_what_they_are():
    """Each has at most 300 lines, the licence in the first of them, and a docstring."""
    texts = {module: path.read_text() for module, path in MODULES.items()}

    assert [] == [module for module, text in texts.items() if text.count('\n') > 300]
    assert [] == [module for module, text in texts.items()
                  if not text.startswith('# SPDX-License-Identifier: Apache-2.0\n')]
    assert [] == [module for module, text in texts.items() if not ast.get_docstring(ast.parse(text))]


# A page of uploads is filled step by step.
IN_THE_MAKING = {'UploadsPage'}


def test_values_of_the_rules_cannot_be_changed():
    """A value that was checked when it was made stays as it was."""
    places = [importlib.import_module('s3multi.' + module) for module in MODULES if pure_place(module)]
    values = [kind for place in places for kind in vars(place).values()
              if dataclasses.is_dataclass(kind) and kind.__module__ == place.__name__]

    assert [] == [kind.__name__ for kind in values
                  if not kind.__dataclass_params__.frozen and kind.__name__ not in IN_THE_MAKING]
