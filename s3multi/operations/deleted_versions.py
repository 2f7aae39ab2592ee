# SPDX-License-Identifier: Apache-2.0
"""What a key shows when an S3 request has deleted one of its versions: the newest that is left, as on Amazon S3.

Swift leaves the key without an object if the version that it shows is deleted, or the delete marker above all others.
s3api repairs that for DeleteObject, but neither for DeleteObjects nor for the null version, and it fails for an older
version below the null one. And Swift takes a DELETE of the null version, where there is none, for one of the link that
shows the current version.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/DeletingObjectVersions.html
"""
from collections.abc import Callable, Mapping
from typing import Any

from eventlet import Timeout
from swift.common.swob import Request, Response
from swift.common.utils import Timestamp

from s3multi.operations.bucket import Bucket
from s3multi.s3.errors import S3Error
from s3multi.upload.timestamps import just_after, read_timestamp

NULL = 'null'
# s3api takes this header for a request to show another version.
_CURRENT = 'X-Object-Current-Version-Id'


def applies_to(env: 'Mapping[str, Any]') -> bool:
    """Return whether a request is one that s3api makes to delete a version of an object. env: its environ."""
    return (env.get('swift.source') == 'S3' and env['REQUEST_METHOD'] == 'DELETE' and env['PATH_INFO'].count('/') >= 4
            and 'version-id=' in env.get('QUERY_STRING', ''))


def delete(bucket: Bucket, key: str, request: Request, send: 'Callable[[Request], Response]') -> Response:
    """Answer a DELETE of a version: 404 if there is none, 503 if it has to be repeated, else as Swift answers.

    request: one that this module ``applies_to``. send: sends it to Swift.
    """
    version = request.params['version-id']
    if not version or not bucket.is_versioned:
        return send(request)
    try:
        if version == NULL:
            found = bucket.objects.at_key(key)
            if found.version_id not in (None, NULL):
                return _denial(bucket, request) or Response(status=404)
            if found.etag is None:
                return send(request)
        # The link to the version that is left comes just after it, so that it hides no version that came meanwhile.
        deleted_at = bucket.now()
        request.headers['X-Timestamp'] = deleted_at.internal
        response = send(request)
        shows_nothing = version == NULL or response.headers.pop(_CURRENT, None) == NULL
        # After a 404 too: the one before may have died after its DELETE.
        if shows_nothing and (response.is_success or response.status_int == 404):
            _show_newest(bucket, key, version, just_after(deleted_at))
        return response
    except (S3Error, Timeout) as error:
        bucket.logger.warning('deletion of a version has to be repeated: %s', error)
        return Response(status=503)


def _show_newest(bucket: Bucket, key: str, deleted: str, shown_at: Timestamp) -> None:
    """Make the newest version of ``key`` the current one, if it is older than the one that was deleted."""
    for version, is_marker in bucket.objects.newest_versions(key):
        if version == deleted:
            # Its row is still in the listing.
            continue
        # The key has an object or a delete marker, or had none before, because it was deleted while versions were
        # suspended.
        if version == NULL or is_marker or deleted != NULL and read_timestamp(version) > read_timestamp(deleted):
            return
        if bucket.objects.show(key, version, shown_at):
            return


def _denial(bucket: Bucket, request: Request) -> 'Response | None':
    """Return the auth filter's answer if it does not let the client write the bucket; else None."""
    request.acl = bucket.info['write_acl']
    judge = request.environ.get('swift.authorize')
    denied: Response | None = judge(request) if judge else None
    return denied
