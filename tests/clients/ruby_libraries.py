# SPDX-License-Identifier: Apache-2.0
"""Libraries for Ruby, as Debian has them: the AWS SDK and fog-aws."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

from .client import MIB, find_program
from .drivers import Library

HERE = Path(__file__).resolve().with_name('ruby')


class RubyLibrary(Library):
    """A library for Ruby. gem: what has to be there. driver: the file that calls it."""

    program = 'ruby'
    gem = driver = ''

    @classmethod
    @functools.cache
    def missing(cls):
        words = [find_program(cls.program) or 'false', '-e', f'require "{cls.gem}"']
        return '' if subprocess.run(words, capture_output=True, timeout=60).returncode == 0 else (
            f'ruby or {cls.gem} is missing: {cls.get}')

    @classmethod
    def version(cls):
        words = [find_program(cls.program), str(HERE / cls.driver), '{"operation": "version"}']
        environment = {'AWS_ENDPOINT_URL': 'http://localhost', 'AWS_REGION': 'us-east-1', 'AWS_ACCESS_KEY_ID': 'a',
                       'AWS_SECRET_ACCESS_KEY': 'b'}
        return cls.result(subprocess.run(words, capture_output=True, text=True, timeout=60, env=environment).stdout)

    def command(self, *words):
        return super().command(HERE / self.driver, *words)


class AwsRuby(RubyLibrary):
    """The AWS SDK for Ruby, with upload_file, which sends files from 100 MiB in parts."""

    name = 'AWS SDK for Ruby'
    get = 'apt install ruby-aws-sdk-s3'
    gem, driver = 'aws-sdk-s3', 'aws.rb'
    file_bytes = 101 * MIB
    part_bytes = 5 * MIB
    # Parts of a copy have 50 MiB.
    copy_bytes = 101 * MIB


class Fog(RubyLibrary):
    """fog-aws, told to send files in parts from 8 MiB; by default it does so from 5 GiB."""

    name = 'fog-aws'
    get = 'apt install ruby-fog-aws'
    gem, driver = 'fog/aws', 'fog.rb'
    lacks = {'checksum of a part': 'its call for a part takes none',
             'order of parts': 'it numbers the parts by itself, from 1',
             'copy of a key with +': 'it sends the key as it is, which names another key, as on Amazon S3'}
