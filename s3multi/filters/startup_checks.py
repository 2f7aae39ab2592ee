# SPDX-License-Identifier: Apache-2.0
"""The checks at start-up: whether multipart uploads work, and objects are safe, in the pipeline of the proxy.

Each refusal is a ``ConfigError`` that tells the operator what to write in ``proxy-server.conf``.
"""
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from paste.deploy import loadwsgi
from swift.common.wsgi import loadcontext

from s3multi.config import ConfigError
from s3multi.upload.manifest import MAX_ENTRY_BYTES

FILTER = 's3multi.filters.s3multi'
FRONT = 's3multi.filters.s3api'
_STOCK_FRONT = 'swift.common.middleware.s3api.s3api'
_SLO = 'swift.common.middleware.slo'
_AUTH = ('swift.common.middleware.tempauth', 'swift.common.middleware.keystoneauth',
         'swift.common.middleware.s3api.s3token', 'keystonemiddleware')
# Filters that have to stand to the left, or to the right, of s3multi, by the beginning of their module's name; and what
# would happen on the wrong side.
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
    """A filter of the pipeline: its name there, and the module of its factory."""

    name: str
    module: str


def read_stages(conf_file: str) -> 'list[Stage]':
    """Return the filters of the pipeline in ``conf_file``, from left to right; none for an app without a pipeline."""
    context = loadcontext(loadwsgi.APP, conf_file)
    # Swift and s3multi both have an entry point "s3api": the module of the factory distinguishes them.
    return [Stage(getattr(stage, 'name', None) or stage.entry_point_name, getattr(stage.object, '__module__', ''))
            for stage in getattr(context, 'filter_contexts', [])]


def check(stages: Sequence[Stage]) -> None:
    """Raise ConfigError unless multipart uploads work in the pipeline ``stages``, given from left to right.

    It has to contain s3multi and the front, our s3api, once each, with the front to the left of s3multi and slo to the
    right. No auth filter may stand to the right of s3multi, and no other filter on a side where it does harm.
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
    if not fronts or fronts[0] > place:
        raise ConfigError('s3multi needs s3api to its left in the pipeline (%s), with [filter:s3api] '
                          'use = egg:s3multi#s3api' % shown)
    late = [stage.name for stage in stages[place + 1:] if stage.module.startswith(_AUTH)]
    if late:
        raise ConfigError('%s stands after s3multi in the pipeline (%s): move s3multi to the right of all auth filters.'
                          % (', '.join(late), shown))
    if not any(slo > place for slo in _places(stages, _SLO)):
        raise ConfigError('s3multi needs slo to its right in the pipeline: %s' % shown)
    _check_neighbours(stages[:place], _RIGHT, 'right', shown)
    _check_neighbours(stages[place + 1:], _LEFT, 'left', shown)


def _check_neighbours(misplaced: Sequence[Stage], known: Mapping[str, str], side: str, shown: str) -> None:
    for stage in misplaced:
        for module, harm in known.items():
            if stage.module.startswith(module):
                raise ConfigError('%s has to stand to the %s of s3multi in the pipeline (%s): else %s.'
                                  % (stage.name, side, shown, harm))


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


def _places(stages: Sequence[Stage], module: str) -> 'list[int]':
    return [place for place, stage in enumerate(stages) if stage.module == module]
