# SPDX-License-Identifier: Apache-2.0
"""The checks at start-up: whether multipart uploads work, and objects are safe, in the pipeline of the proxy.

Each refusal is a ``ConfigError`` that tells the operator what to write in ``proxy-server.conf``.
"""
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

from paste.deploy import loadwsgi
from swift.common.utils import NullLogger
from swift.common.wsgi import PipelineWrapper, loadcontext
from swift.proxy import server

from s3multi.config import ConfigError
from s3multi.upload.manifest import MAX_ENTRY_BYTES

FILTER = 's3multi.filters.s3multi'
FRONT = 's3multi.filters.s3api'
# The newest Swift that all tests were run with: see ``tox -e swift-newest``.
NEWEST_SWIFT = (2, 38)
_STOCK_FRONT = 'swift.common.middleware.s3api.s3api'
# Swift's native multipart uploads: not released yet, on Swift's branch feature/mpu.
_NATIVE = 'swift.common.middleware.mpu'
_SLO = 'swift.common.middleware.slo'
# Filters that have to stand between s3api and s3multi; and one that has to stand to the left of both.
_AUTH = ('swift.common.middleware.tempauth', 'swift.common.middleware.keystoneauth',
         'swift.common.middleware.s3api.s3token')
_AUTHTOKEN = 'keystonemiddleware'
# Filters that have to stand to the left of s3api, to the left of s3multi, or to the right of it, by the beginning of
# their module's name; and what would happen on the wrong side.
_LEFT_OF_FRONT = {
    'swift.common.middleware.gatekeeper': 'it would remove the headers that s3api and s3multi store with objects',
}
_LEFT = {
    'swift.common.middleware.ratelimit': 'it would refuse requests in the middle of a Complete',
    'swift.common.middleware.staticweb': 'it is not tested with pages that are multipart objects',
}
_RIGHT = {
    'swift.common.middleware.dlo': 'a part copied from a Dynamic Large Object would be empty',
    'swift.common.middleware.versioned_writes': 'a Complete would destroy the object that it replaces',
    'swift.common.middleware.crypto': 'parts would be stored in the clear',
}


@dataclass(frozen=True)
class Stage:
    """A filter of the pipeline: its name there, the module of its factory, and whether Swift has added it."""

    name: str
    module: str
    added: bool = False


def read_stages(conf_file: str) -> 'list[Stage]':
    """Return the filters of the pipeline in ``conf_file``, from left to right; none for an app without a pipeline.

    With those that Swift adds where they are missing: the pipeline is the one that will answer requests.
    """
    context = loadcontext(loadwsgi.APP, conf_file)
    written = list(getattr(context, 'filter_contexts', []))
    if written and context.app_context.object is server.app_factory:
        # The method needs nothing of the app but its logger. The real app logs what it adds.
        server.Application.modify_wsgi_pipeline(SimpleNamespace(logger=NullLogger()), PipelineWrapper(context))
    # Swift and s3multi both have an entry point "s3api": the module of the factory distinguishes them.
    return [Stage(getattr(stage, 'name', None) or stage.entry_point_name, getattr(stage.object, '__module__', ''),
                  stage not in written) for stage in getattr(context, 'filter_contexts', [])]


def check(stages: Sequence[Stage]) -> None:
    """Raise ConfigError unless multipart uploads work in the pipeline ``stages``, given from left to right.

    It has to contain s3multi and the front, our s3api, once each, with the front to the left of s3multi and slo to the
    right. Auth filters may only stand between the two, and no other filter on a side where it does harm.
    """
    shown = ' '.join(stage.name for stage in stages)
    ours, fronts = _places(stages, FILTER), _places(stages, FRONT)
    if not ours:
        raise ConfigError('[filter:s3api] use = egg:s3multi#s3api needs s3multi in the pipeline (%s): add it after the '
                          'auth filters and before slo, with [filter:s3multi] use = egg:s3multi#s3multi. Alone it '
                          'would turn an Abort into the deletion of the object.' % shown)
    if len(ours) > 1 or len(fronts) > 1:
        raise ConfigError('s3multi and s3api must each be in the pipeline once: %s' % shown)
    place = ours[0]
    if _places(stages, _STOCK_FRONT):
        raise ConfigError('The pipeline (%s) has Swift\'s own s3api, which would answer multipart requests the old way.'
                          ' In [filter:s3api] write: use = egg:s3multi#s3api (its options stay as they are).' % shown)
    native = [stage.name for stage in stages if stage.module == _NATIVE]
    if native:
        raise ConfigError('%s in the pipeline (%s) would answer multipart requests beside s3multi, and neither knows '
                          'the uploads of the other: remove it. The page "Native multipart uploads of Swift" in the '
                          'documentation of s3multi has the way to go without s3multi.' % (native[0], shown))
    if not fronts or fronts[0] > place:
        raise ConfigError('s3multi needs s3api to its left in the pipeline (%s), with [filter:s3api] '
                          'use = egg:s3multi#s3api' % shown)
    early = [stage.name for stage in stages[:fronts[0]] if stage.module.startswith(_AUTH)]
    if early:
        raise ConfigError('%s stands before s3api in the pipeline (%s), where it does not know S3 requests: move s3api '
                          'to the left of all auth filters but authtoken.' % (', '.join(early), shown))
    late = [stage.name for stage in stages[place + 1:] if stage.module.startswith((*_AUTH, _AUTHTOKEN))]
    if late:
        raise ConfigError('%s stands after s3multi in the pipeline (%s): move s3multi to the right of all auth filters.'
                          % (', '.join(late), shown))
    if not any(slo > place for slo in _places(stages, _SLO)):
        raise ConfigError('s3multi needs slo to its right in the pipeline: %s' % shown)
    _check_neighbours(stages[:place], _RIGHT, 'right of s3multi', shown)
    _check_neighbours(stages[place + 1:], _LEFT, 'left of s3multi', shown)
    _check_neighbours(stages[fronts[0] + 1:], _LEFT_OF_FRONT, 'left of s3api', shown)


def _check_neighbours(misplaced: Sequence[Stage], known: Mapping[str, str], side: str, shown: str) -> None:
    for stage in misplaced:
        for module, harm in known.items():
            if stage.module.startswith(module):
                advice = ' The file lacks it, so Swift has added it there: write it where it has to stand.'
                raise ConfigError('%s has to stand to the %s in the pipeline (%s): else %s.%s'
                                  % (stage.name, side, shown, harm, advice if stage.added else ''))


def check_limits(slo: Mapping[str, int], max_parts: int) -> None:
    """Raise ConfigError unless SLO admits objects of ``max_parts`` parts.

    slo: what the SLO filter registered for /info. Without this check a client would learn of the limit only at
    Complete, after it has uploaded everything.
    """
    need = {'max_manifest_segments': max_parts, 'max_manifest_size': max_parts * MAX_ENTRY_BYTES}
    if any(slo[name] < least for name, least in need.items()):
        raise ConfigError('slo does not admit objects of %d parts. In [filter:slo] write:\n%s\nor lower '
                          'max_upload_part_num in [filter:s3multi].'
                          % (max_parts, '\n'.join('%s = %d' % line for line in need.items())))


def untested_swift(version: str) -> 'str | None':
    """Return the warning for a Swift of this version if it is newer than any that s3multi was tested with; or None."""
    numbers = re.match(r'(\d+)\.(\d+)', version)
    if numbers is None or (int(numbers[1]), int(numbers[2])) <= NEWEST_SWIFT:
        return None
    return ('s3multi is not tested with Swift %s: the newest release that it is tested with is %d.%d'
            % (version, *NEWEST_SWIFT))


def _places(stages: Sequence[Stage], module: str) -> 'list[int]':
    return [place for place, stage in enumerate(stages) if stage.module == module]
