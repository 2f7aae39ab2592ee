# SPDX-License-Identifier: Apache-2.0
"""Hides the containers that hold uploads: S3 clients see every other container that s3api shows as a bucket.

Whether such a container exists makes no difference to any answer.
"""
import copy
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from swift.common.middleware.s3api import s3api, s3response
from swift.common.middleware.s3api.controllers import BucketController, ServiceController
from swift.common.middleware.s3api.etree import fromstring, tostring
from swift.common.middleware.s3api.utils import Config
from swift.common.swob import Response

from s3multi.filters.handoff import DELETED_BUCKET
from s3multi.upload.names import is_segments_container

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class BucketView(s3api.S3ApiMiddleware):
    """Swift's s3api, without the containers that hold uploads."""

    def __call__(self, env: 'WSGIEnvironment', start_response: 'StartResponse') -> 'Iterable[bytes]':
        view = self
        if is_segments_container(env['PATH_INFO'].removeprefix('/').partition('/')[0]):
            # Where the names of buckets have to be those of DNS, s3api would answer that this one is malformed before
            # it calls ``handle_request``.
            view = copy.copy(self)
            view.conf = Config({**self.conf, 'dns_compliant_bucket_names': False})
        return super(BucketView, view).__call__(env, start_response)

    def handle_request(self, req: Any) -> Response:
        """Have s3api answer ``req``, its ``S3Request``; mark the deletion of a bucket for the s3multi filter."""
        _check_source(req)
        if req.controller is BucketController and req.method == 'DELETE':
            req.environ[DELETED_BUCKET] = req.container_name
        response = super().handle_request(req)
        # Where names have to be those of DNS, s3api does not list these containers.
        if req.controller is ServiceController and not self.conf.dns_compliant_bucket_names:
            response.body = _visible(response.body)
        return response


def check_bucket(req: Any) -> None:
    """Raise s3api's NoSuchBucket when ``req`` names a container that holds uploads.

    Raises InvalidBucketName when ``req`` would create one.
    """
    if not is_segments_container(req.container_name or ''):
        return
    if req.controller is BucketController and req.method == 'PUT':
        raise s3response.InvalidBucketName(req.container_name)
    raise s3response.NoSuchBucket(req.container_name)


def _check_source(req: Any) -> None:
    """Raise s3api's NoSuchBucket when ``req`` copies from a container that holds uploads."""
    if req.method == 'PUT' and 'X-Amz-Copy-Source' in req.headers:
        path = unquote(req.headers['X-Amz-Copy-Source'].partition('?')[0])
        bucket = path.removeprefix('/').partition('/')[0]
        if is_segments_container(bucket):
            raise s3response.NoSuchBucket(bucket)


def _visible(listing: bytes) -> bytes:
    """Return ``listing``, a ListAllMyBucketsResult, without the containers that hold uploads."""
    root = fromstring(listing)
    buckets = root.find('./Buckets')
    for bucket in list(buckets):
        if is_segments_container(bucket.find('./Name').text):
            buckets.remove(bucket)
    return tostring(root)
