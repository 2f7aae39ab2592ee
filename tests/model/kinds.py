# SPDX-License-Identifier: Apache-2.0
"""What a request to Swift is for, in the words of the protocol."""
import functools
import re

from swift.common.swob import wsgi_to_str

from s3multi.upload.manifest import UPLOAD_ID_HEADER
from s3multi.upload.marker_names import markers_container, split_marker_name
from s3multi.upload.names import SEGMENTS_SUFFIX, Upload

ACCOUNT = 'AUTH_model'
BUCKET = 'bucket'
SEGMENTS = BUCKET + SEGMENTS_SUFFIX
MARKERS = markers_container(BUCKET)

INTENT = re.compile(r'(?P<upload>.+/[-.0-9A-Z_a-z]{21})/complete')
PART = re.compile(r'(?P<upload>.+/[-.0-9A-Z_a-z]{21})/(?P<number>[0-9]{8})-(?P<attempt>[-0-9A-Z_a-z]{11})')
# Those that release 0.1 reads.
MARKER = re.compile(r'(?P<upload>.+/[-0-9A-Z_a-z]{21})')
_FORMS = (('intent', INTENT), ('part', PART), ('marker', MARKER))


@functools.lru_cache(10000)
def part_of_upload(container, name):
    """Return the kind of an object, and the ``<key>/<id>`` of its upload; None twice for other things."""
    if container == MARKERS:
        return 'marker', '/'.join(split_marker_name(name))
    found = [(kind, match['upload']) for kind, form in _FORMS for match in [form.fullmatch(name)] if match]
    return found[0] if container == SEGMENTS and found else (None, None)


@functools.lru_cache(10000)
def marker_of(upload):
    """Return the name of the marker of an upload in MARKERS. upload: ``<key>/<id>``."""
    key, _, upload_id = upload.rpartition('/')
    return Upload(ACCOUNT, BUCKET, key, upload_id).marker


def kind_of(env):
    """Return method and target of a request, as in ``PUT intent``.

    The target is open, aborting or aborted for the PUT of a marker, else marker, intent, part, rows, manifest, key,
    version, queue or other.
    """
    method, path = env['REQUEST_METHOD'], wsgi_to_str(env['PATH_INFO'])
    account, container, name = (path.split('/', 4)[2:] + ['', ''])[:3]
    if account != ACCOUNT:
        return method + ' queue'
    if not name:
        return method + ' rows'
    if container in (SEGMENTS, MARKERS):
        kind = part_of_upload(container, name)[0] or 'other'
        state = re.search('state=([a-z]+)', env.get('CONTENT_TYPE', '') if method == 'PUT' else '')
        return '%s %s' % (method, state[1] if state and kind == 'marker' else kind)
    if container != BUCKET:
        return method + ' version'
    if method == 'PUT' and ('HTTP_' + UPLOAD_ID_HEADER.upper().replace('-', '_') in env
                            or 'multipart-manifest=put' in env['QUERY_STRING']):
        return 'PUT manifest'
    if 'version-id' in env['QUERY_STRING']:
        return method + ' version'
    return method + ' key'


def upload_of(env):
    """Return the ``<key>/<id>`` of a request for a record or part of an upload."""
    return part_of_upload(*wsgi_to_str(env['PATH_INFO']).split('/', 4)[3:])[1]
