# SPDX-License-Identifier: Apache-2.0
"""A real browser without a window, and the little web application whose page it runs.

The application has an origin of its own, another port of the loopback interface, and presigns the URLs that its page
asks for, as web applications do.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from s3multi.demo.ports import HOST

ANSWER_SECONDS = 60
STOP_SECONDS = 10

# What each program is given besides a directory for its profile and the address of the page. A browser that runs as
# root, as in containers, refuses to start inside its own sandbox.
_CHROMIUM = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
             '--disable-background-networking', '--disable-component-update', '--no-proxy-server']
PROGRAMS = {
    'chromium': lambda profile: [*_CHROMIUM, f'--user-data-dir={profile}'],
    'chromium-browser': lambda profile: [*_CHROMIUM, f'--user-data-dir={profile}'],
    'google-chrome': lambda profile: [*_CHROMIUM, f'--user-data-dir={profile}'],
    'firefox': lambda profile: ['--headless', '--no-remote', '--profile', profile],
    'firefox-esr': lambda profile: ['--headless', '--no-remote', '--profile', profile],
}

_PAGE = """<!DOCTYPE html>
<meta charset="utf-8">
<script type="module">
const sign = async (operation, params) =>
    (await fetch('/sign', {method: 'POST', body: JSON.stringify({operation, params})})).text();
const report = result => fetch('/report', {method: 'POST', body: JSON.stringify(result)});
try {
    report({result: await (%s)(sign)});
} catch (error) {
    report({error: `${error}`});
}
</script>
"""


def find_browser():
    """Return name and path of an installed browser, or None."""
    return next(((name, path) for name in PROGRAMS if (path := shutil.which(name))), None)


class WebApplication:
    """Serves a page that runs a script once, and keeps what it reports. sign: a function of an S3 client's operation
    and its parameters, which returns a presigned URL. files: path to file, what else is served."""

    def __init__(self, sign, files=None):
        self._sign = sign
        self._script = ''
        self._reports = queue.Queue()
        application = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                if files and self.path in files:
                    content_type = 'text/javascript' if self.path.endswith('.js') else 'application/octet-stream'
                    self._answer(files[self.path].read_bytes(), content_type)
                else:
                    page = _PAGE % application._script if self.path == '/' else ''
                    self._answer(page.encode(), 'text/html')

            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers['Content-Length'])))
                if self.path == '/report':
                    application._reports.put(asked)
                    self._answer(b'', 'text/plain')
                else:
                    self._answer(application._sign(asked['operation'], asked['params']).encode(), 'text/plain')

            def _answer(self, body, content_type):
                self.send_response(200)
                self.send_header('Content-Type', content_type)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.origin = f'http://{HOST}:{self._server.server_port}'

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()

    def run(self, browser, directory, script, options=()):
        """Have the browser run a script, an async function of sign(operation, params); return what it returns.

        browser: of find_browser. directory: an empty one. options: more of the browser's. An exception of the script is
        a failed assertion.
        """
        self._script = script
        with _running(browser, directory, options, self.origin + '/'):
            try:
                report = self._reports.get(timeout=ANSWER_SECONDS)
            except queue.Empty:
                log = (directory / 'browser.log').read_text(errors='replace')
                raise AssertionError(f'{browser[0]} has reported nothing:\n{log[-3000:]}') from None
        assert 'error' not in report, report
        return report['result']


@contextlib.contextmanager
def _running(browser, directory, options, url):
    name, path = browser
    profile = directory / 'profile'
    profile.mkdir()
    with open(directory / 'browser.log', 'wb') as log:
        process = subprocess.Popen([path, *PROGRAMS[name](str(profile)), *options, url], stdin=subprocess.DEVNULL,
                                   stdout=log, stderr=log, start_new_session=True,
                                   env={**os.environ, 'HOME': str(directory)})
    try:
        yield
    finally:
        # It has children, in a group of its own.
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
