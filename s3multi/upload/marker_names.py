# SPDX-License-Identifier: Apache-2.0
"""The markers' container of a bucket, in Swift's reserved namespace, and the names of the markers in it. No I/O.

Where Swift lists them is where S3 lists the uploads: NUL sorts before every character that a key can have.
"""
import sys

from swift.common.request_helpers import get_reserved_name, split_reserved_name

from s3multi.upload.layouts import is_apart, is_upload_id

_OURS = 's3multi'
_SURROGATES = range(0xd800, 0xe000)


def markers_container(bucket: str) -> str:
    """Return the name of the container that holds the markers of ``bucket``."""
    name: str = get_reserved_name(_OURS, bucket)
    return name


def bucket_of_markers(container: str) -> 'str | None':
    """Return the bucket whose markers ``container`` holds; None if it is another container."""
    kind, *rest = _split_reserved(container)
    return rest[0] if kind == _OURS and len(rest) == 1 else None


def marker_name(key: str, upload_id: str) -> str:
    """Return the name of the marker of an upload whose marker lies apart from its parts."""
    name: str = get_reserved_name(key, upload_id)
    return name


def split_marker_name(name: str) -> 'tuple[str, str] | None':
    """Return key and upload id if ``name`` is one that ``marker_name`` makes; else None."""
    parts = _split_reserved(name)
    return (parts[0], parts[1]) if len(parts) == 2 and is_upload_id(parts[1]) and is_apart(parts[1]) else None


def names_from(prefix: str) -> str:
    """Return what the names of the markers of all keys begin with that begin with ``prefix``."""
    name: str = get_reserved_name(prefix)
    return name


def after_key(key: str) -> str:
    """Return a name just after those of all markers of ``key``."""
    return get_reserved_name(key) + '\x01'


def before_keys_after(prefix: str) -> 'str | None':
    """Return a name after those of all markers of keys that begin with ``prefix``, and before any other after them.

    None if there can be no other.
    """
    place = after_prefix(prefix)
    return names_from(place) if place else None


def after_prefix(prefix: str) -> 'str | None':
    """Return the least text after all that begin with ``prefix``; None if there is none."""
    prefix = prefix.rstrip(chr(sys.maxunicode))
    if not prefix:
        return None
    code = ord(prefix[-1]) + 1
    return prefix[:-1] + chr(_SURROGATES.stop if code in _SURROGATES else code)


def before_name(name: str) -> str:
    """Return a text before ``name`` and after almost all names before it: a marker of a listing that begins with it."""
    code = ord(name[-1]) - 1
    if code in _SURROGATES:
        code = _SURROGATES.start - 1
    return name[:-1] + (chr(code) + chr(sys.maxunicode) if code > 0 else '')


def is_listable(prefix: str) -> bool:
    """Return whether Swift can list by a ``prefix``.

    It takes the next code point for the last one to find the end, and fails where that is no character
    (``list_objects_iter`` in ``swift/container/backend.py``).
    """
    return not prefix.endswith((chr(_SURROGATES.start - 1), chr(sys.maxunicode)))


def before_unlistable(prefix: str) -> str:
    """Return a name of the same length before a prefix that is not ``is_listable``; users have few in between."""
    return prefix[:-1] + chr(ord(prefix[-1]) - 1)


def _split_reserved(name: str) -> 'tuple[str, ...]':
    try:
        return tuple(split_reserved_name(name))
    except ValueError:
        return ('',)
