# SPDX-License-Identifier: Apache-2.0
"""The containers that hold the uploads of a bucket: made with its first upload, and whenever one of them is missing."""
from swift.common.storage_policy import POLICIES

from s3multi.operations.bucket import Bucket
from s3multi.s3.errors import ServiceUnavailable


def create(bucket: Bucket, with_markers: bool = True) -> None:
    """Create the segments container and, if asked for, that of the markers, as far as they are missing.

    Raises ServiceUnavailable if that has no effect, because of another's clock.
    """
    policy = _policy_index(bucket)
    made = bucket.segments.create(policy)
    # The segments container first: where there is none, no marker can lie among parts.
    if made is None or with_markers and not bucket.markers.create(policy, all_apart=made):
        bucket.logger.warning('the request has to be repeated: a container with the uploads of %s was deleted by a '
                              'proxy whose clock is ahead of the one of this proxy', bucket.name)
        raise ServiceUnavailable()
    if made:
        bucket.behind('the segments container of %s is not marked, and will stay' % bucket.name, bucket.segments.mark)
    bucket.with_uploads.remember(bucket.account, bucket.name, True)


def _policy_index(bucket: Bucket) -> int:
    if bucket.settings.storage_policy:
        return int(POLICIES.get_by_name(bucket.settings.storage_policy))
    return int(bucket.info['storage_policy'])
