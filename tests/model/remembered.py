# SPDX-License-Identifier: Apache-2.0
"""What pure functions have returned, for those who ask again: runs of one upload ask the same again and again.

Nothing is remembered that depends on more than the arguments, and nothing that anybody changes. ``test_shortcut``
compares runs that remember with runs that do not.
"""
import functools
import gc
from types import SimpleNamespace

import simplejson
from swift.common.header_key_dict import HeaderKeyDict
from swift.common.utils import Timestamp
from swift.proxy.controllers import base

from s3multi.operations.complete import handler
from s3multi.s3.documents import read_complete
from s3multi.storage import rows
from s3multi.upload import marker_names
from s3multi.upload.names import UploadIds
from s3multi.upload.records import MarkerType

# More than a run asks for, so that what comes next is mostly there, and so few that they take no memory.
_MOST = 20000
# Objects that are made, and not freed by the count of their references, before garbage is looked for.
_OBJECTS = 100000

_initialise = Timestamp.__init__
_internal = Timestamp.internal.fget
_make_info = base.headers_to_container_info


class _Known(dict):
    """Results by arguments: some, not all."""

    def keep(self, arguments, result):
        """Keep and return a result."""
        if len(self) >= _MOST:
            self.clear()
        self[arguments] = result
        return result


class Info(dict):
    """Swift's info of a container, which nobody changes. ready: a copy with what Swift adds; None before it is asked.
    """

    ready = None

    @functools.cached_property
    def text(self):
        """All of it, as text."""
        return repr(dict(self))


_parsed, _written, _infos = _Known(), _Known(), _Known()


def _timestamp(self, timestamp, offset=0, delta=0, check_bounds=True):
    """Be the constructor of ``Timestamp``."""
    if isinstance(timestamp, Timestamp):
        timestamp = timestamp.internal
    if self.__class__ is not Timestamp or timestamp.__class__ not in (str, float, int):
        _initialise(self, timestamp, offset, delta, check_bounds)
        return
    arguments = timestamp, offset, delta, check_bounds
    found = _parsed.get(arguments)
    if found is None:
        _initialise(self, timestamp, offset, delta, check_bounds)
        _parsed.keep(arguments, self.__dict__.copy())
    else:
        self.__dict__.update(found)


def _internal_form(self):
    """Be ``Timestamp.internal``."""
    value = self.timestamp, self.offset
    return _written.get(value) or _written.keep(value, _internal(self))


@functools.lru_cache(_MOST)
def _parts(body):
    return tuple(read_complete(body))


def _info_of(headers, status_int=200):
    """Be ``headers_to_container_info``. Swift changes what is made of no headers."""
    if not headers:
        return _make_info(headers, status_int)
    answered = status_int, tuple(headers.items())
    return _infos.get(answered) or _infos.keep(answered, Info(_make_info(headers, status_int)))


def _copied(value):
    """Be ``deepcopy``, for infos."""
    return {name: _copied(each) if isinstance(each, dict) else each for name, each in value.items()}


def _rows(body):
    """Be ``simplejson.loads``, for listings."""
    return [row.copy() for row in _read_rows(body)]


@functools.lru_cache(_MOST)
def _read_rows(body):
    return simplejson.loads(body)


# For ``schedule.replaced``.
PLACES = (
    (Timestamp, '__init__', _timestamp),
    (Timestamp, 'internal', property(_internal_form)),
    (MarkerType, 'decode', staticmethod(functools.lru_cache(_MOST)(MarkerType.decode))),
    (UploadIds, 'belongs', functools.lru_cache(_MOST)(UploadIds.belongs)),
    (marker_names, 'get_reserved_name', functools.lru_cache(_MOST)(marker_names.get_reserved_name)),
    (HeaderKeyDict, '_title', staticmethod(functools.lru_cache(_MOST)(HeaderKeyDict._title))),
    (base, 'headers_to_container_info', _info_of),
    (base, 'deepcopy', _copied),
    (rows, 'json', SimpleNamespace(loads=_rows)),
    (handler, 'read_complete', lambda body: list(_parts(body))),
)


def seldom_look_for_garbage():
    """Have Python look for garbage seldom, and never among what is there already. Return what ends that."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(_OBJECTS)

    def end():
        gc.set_threshold(*before)
        gc.unfreeze()
    return end
