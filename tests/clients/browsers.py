# SPDX-License-Identifier: Apache-2.0
"""Uppy in a real browser: a page sends the parts of a file to the cluster, which is another origin for it."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import boto3
import requests
from botocore.config import Config

from tests.integration.browser import WebApplication, find_browser

from .client import MIB, REGION, Client, Failed, find_program
from .libraries import HERE, JavaScript
from .serving import serving

ABORT_SECONDS = 20
SCRIPT = "async ask => (await import('/uppy.js')).upload(ask, %s)"
# The page may send to the bucket, and read the headers and errors with which it is answered.
ALLOW = 'X-Container-Meta-Access-Control-Allow-Origin'


class Uppy(Client):
    """Uppy's plugin AwsS3, with URLs that the page's own server presigns for every request of an upload."""

    name = 'Uppy, in Chromium'
    get = 'apt install chromium; ' + JavaScript.get
    part_bytes = 5 * MIB
    fail_bytes = 60 * MIB
    lacks = {'list': 'it only uploads', 'copy': 'it only uploads', 'explicit abort': 'it only aborts its own'}

    def __init__(self, site):
        super().__init__(site)
        self.s3 = boto3.session.Session().client(
            's3', endpoint_url=site.url, region_name=REGION, aws_access_key_id=site.access,
            aws_secret_access_key=site.secret, verify=site.ca or None, config=Config(signature_version='s3v4'))

    @classmethod
    def browser(cls):
        """Return name and path of an installed Chromium, or None. Firefox has no option that takes any certificate."""
        found = find_browser()
        return found if found and 'firefox' not in found[0] else None

    @classmethod
    def missing(cls):
        if not cls.browser():
            return f'there is no chromium: {cls.get}'
        if not (JavaScript.directory() / 'node_modules' / '@uppy' / 'aws-s3').is_dir():
            return f'@uppy/aws-s3 is not installed: {cls.get}'
        return ''

    @classmethod
    def version(cls):
        return installed('@uppy/aws-s3')

    def upload(self, path, bucket, key, **given):
        seen = self.page(path, bucket, key, **given)
        if seen['errors']:
            found = re.search(r'\d+ – (\w+)', seen['errors'][0])
            raise Failed(found[1] if found else seen['errors'][0])

    def page(self, path, bucket, key, **given):
        """Open a page in which Uppy uploads a file; return what it reports."""
        with WebApplication(self.answer, {'/uppy.js': bundle(), '/file': Path(path)}) as application:
            allow(bucket, application.origin, self.site)
            with self.signer(bucket, application.origin) as more:
                told = json.dumps({'bucket': bucket, 'key': key, **given, **more})
                options = ['--ignore-certificate-errors'] if self.site.tls else []
                return application.run(self.browser(), Path(tempfile.mkdtemp(dir=self.site.home)), SCRIPT % told,
                                       options)

    def answer(self, operation, params):
        """Return the URL of a request, for the page; or, asked for "ended", nothing as soon as no upload is open."""
        deadline = time.monotonic() + ABORT_SECONDS
        while operation == 'ended':
            if 'Uploads' not in self.s3.list_multipart_uploads(**params):
                return ''
            assert time.monotonic() < deadline, 'the upload is still open'
            time.sleep(0.1)
        return self.s3.generate_presigned_url(
            operation, Params={name: value for name, value in params.items() if value is not None})

    @contextlib.contextmanager
    def signer(self, _bucket, _origin):
        """Run what signs requests for pages of an origin; yield what a page has to know of it."""
        yield {}

    def download(self, bucket, key, path):
        # Uppy only uploads. This is a link on a page.
        answer = requests.get(self.answer('get_object', {'Bucket': bucket, 'Key': key}), verify=self.site.ca or True,
                              timeout=60)
        answer.raise_for_status()
        path.write_bytes(answer.content)

    def resume(self, path, bucket, key, upload_id):
        self.upload(path, bucket, key, uploadId=upload_id)

    def fail(self, path, bucket, key, has_part):
        assert self.page(path, bucket, key, cancel=True) == {'cancelled': True}


class UppyCompanion(Uppy):
    """The same plugin with Companion, which begins and ends uploads itself and presigns URLs for the parts."""

    name = 'Uppy with Companion'
    lacks = {**Uppy.lacks, 'errors': 'Companion does not tell the page more than that it failed',
             'control characters': 'Companion takes the key from the answer, which cannot hold them'}

    @classmethod
    def version(cls):
        return f'{super().version()}, companion {installed("@uppy/companion")}'

    @contextlib.contextmanager
    def signer(self, bucket, origin):
        script = shutil.copy(HERE / 'js' / 'companion.mjs', JavaScript.directory())
        with serving(self.site, lambda port: [find_program('node'), script, bucket, str(port), origin]) as url:
            yield {'companionEndpoint': url}

    def upload_with(self, path, bucket, key, metadata):
        self.upload(path, bucket, key, metadata=metadata)


def allow(bucket, origin, site):
    """Let pages of an origin send to a bucket, by the Swift API and as its owner."""
    user = {'X-Auth-User': 'test:tester', 'X-Auth-Key': 'testing'}
    trust = {'verify': site.ca or True, 'timeout': 60}
    token = requests.get(f'{site.url}/auth/v1.0', headers=user, **trust).headers['X-Auth-Token']
    requests.post(f'{site.url}/v1/AUTH_test/{bucket}', headers={'X-Auth-Token': token, ALLOW: origin},
                  **trust).raise_for_status()


def installed(package):
    """Return the version of an installed package of npm."""
    return json.loads((JavaScript.directory() / 'node_modules' / package / 'package.json').read_text())['version']


def bundle():
    """Return the path of the page's script, together with Uppy."""
    directory = JavaScript.directory()
    script = shutil.copy(HERE / 'js' / 'uppy.mjs', directory)
    target = directory / 'uppy.js'
    subprocess.run([directory / 'node_modules' / '.bin' / 'esbuild', script, '--bundle', '--format=esm',
                    '--log-level=warning', f'--outfile={target}'], check=True, timeout=60)
    return target
