# SPDX-License-Identifier: Apache-2.0
"""The names of uploads that Swift's own s3api ("stock s3api") began: ids, container, markers and parts. No I/O.

Stock s3api keeps them in ``<bucket>+segments``, the marker as ``<key>/<id>`` and the parts as ``<key>/<id>/<number>``.
Its ids are random UUIDs in base64, which are longer than those of s3multi
(``swift/common/middleware/s3api/utils.py``, ``unique_id``).
"""
import base64
import re

_STOCK_SUFFIX = '+segments'
# The text of a UUID in base64, as ``unique_id`` makes it.
_STOCK_ID = re.compile(r'[A-Za-z0-9]{48}')
_UUID = re.compile(rb'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}')
_STOCK_PART = re.compile(r'(.+/([A-Za-z0-9]{48}))/[0-9]{1,5}', re.DOTALL)


def stock_container(bucket: str) -> str:
    """Return the name of the container in which stock s3api keeps its uploads of ``bucket``."""
    return bucket + _STOCK_SUFFIX


def is_stock_id(upload_id: str) -> bool:
    """Return whether ``upload_id`` has the form of an id made by stock s3api."""
    return (_STOCK_ID.fullmatch(upload_id) is not None
            and _UUID.fullmatch(base64.b64decode(upload_id)) is not None)


def split_stock_marker(name: str) -> 'tuple[str, str] | None':
    """Return key and upload id if ``name`` has the form of a marker of stock s3api, else None."""
    key, slash, upload_id = name.rpartition('/')
    return (key, upload_id) if key and slash and is_stock_id(upload_id) else None


def stock_marker_of(name: str) -> 'str | None':
    """Return the name of the marker of the part ``name`` of stock s3api; None if ``name`` is not such a part."""
    match = _STOCK_PART.fullmatch(name)
    return match[1] if match and is_stock_id(match[2]) else None


def after_stock_parts(marker: str) -> str:
    """Return a name that sorts after all parts of the upload with this marker name: ':' follows '9'."""
    return marker + '/:'


def stock_marker_range(key: str) -> 'tuple[str, str]':
    """Return two names between which all markers of stock s3api for ``key`` sort."""
    # The first character of an id encodes six bits of a hexadecimal digit: it is M, N, O, Y or Z.
    return key + '/M', key + '/['
