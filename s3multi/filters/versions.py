# SPDX-License-Identifier: Apache-2.0
"""The versions that an S3 request names, checked before s3api sees them.

s3api writes the version of a copy's source into the query of its request for Swift as the client has written it: what
is no version id could say something else there, such as ``&multipart-manifest=get``. And where the pipeline keeps no
versions, Swift takes no notice of one.
"""
from typing import Any

from swift.common.middleware.s3api import s3response
from swift.common.middleware.s3api.controllers import ObjectController, PartController
from swift.common.registry import get_swift_info
from swift.common.swob import wsgi_to_str

from s3multi.s3.copy_source import source_version
from s3multi.s3.errors import InvalidArgument
from s3multi.s3.version_ids import check_version_id

_SOURCE = 'X-Amz-Copy-Source'


def check_versions(req: Any) -> None:
    """Raise the S3 error for what ``req``, an ``S3Request``, names as a version and is none.

    Takes the source of a copy out of a PUT that copies nothing, since s3api would send that on, too.
    """
    try:
        if req.method in ('GET', 'HEAD', 'DELETE') and 'versionId' in req.params:
            version_id = wsgi_to_str(req.params['versionId'])
            check_version_id(version_id, 'versionId', version_id)
        elif req.method == 'PUT' and _SOURCE in req.headers:
            if req.controller in (ObjectController, PartController):
                _check_source(wsgi_to_str(req.headers[_SOURCE]))
            else:
                del req.headers[_SOURCE]
    except InvalidArgument as error:
        raise s3response.InvalidArgument(error.fields['ArgumentName'], error.fields['ArgumentValue'],
                                         error.message) from None


def _check_source(source: str) -> None:
    if source_version(source) not in (None, 'null') and 'object_versioning' not in get_swift_info():
        # As s3api says of a GET: the copy would be of the current version.
        raise s3response.S3NotImplemented()
