# SPDX-License-Identifier: Apache-2.0
"""Libraries for Go, as Debian has them: minio-go, and the AWS SDK in its versions 1 and 2."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .client import MIB
from .drivers import Library


class GoLibrary(Library):
    """A library for Go. Its driver is compiled from the files in ``go``; `program` is the name of the result."""

    package = ''

    @classmethod
    def path(cls):
        """Return the path of the compiled driver."""
        return Path(os.environ.get('S3MULTI_CLIENTS_GO') or Path(sys.prefix, 'go')) / cls.program

    @classmethod
    def missing(cls):
        return '' if cls.path().is_file() else (
            f'there is no {cls.path()}: apt install golang-go {cls.package}, then compile it as tox.ini does')

    @classmethod
    def version(cls):
        done = subprocess.run([cls.path(), '{"operation": "version"}'], capture_output=True, text=True, timeout=60,
                              env={**os.environ, 'AWS_ENDPOINT_URL': 'http://localhost', 'AWS_REGION': 'us-east-1'})
        return cls.result(done.stdout)

    def command(self, *words):
        return [str(self.path()), *map(str, words)]


class MinioGo(GoLibrary):
    """minio-go, on which mc, Thanos, Loki and GitLab's runner upload."""

    name = 'minio-go'
    package = 'golang-github-minio-minio-go-v7-dev'
    program = 'minio'
    part_bytes = 16 * MIB
    lacks = {'checksum of a part': 'its call for a part takes none'}


class AwsGoV1(GoLibrary):
    """Version 1, with s3manager, as docker-registry, Velero and Terraform have long used it."""

    name = 'AWS SDK for Go v1'
    package = 'golang-github-aws-aws-sdk-go-dev'
    program = 'awsv1'
    part_bytes = 5 * MIB
    lacks = {'copy': 'no call that copies in parts'}


class AwsGoV2(GoLibrary):
    """Version 2, with feature/s3/manager."""

    name = 'AWS SDK for Go v2'
    package = 'golang-github-aws-aws-sdk-go-v2-dev'
    program = 'awsv2'
    part_bytes = 5 * MIB
    lacks = {'copy': 'no call that copies in parts'}
