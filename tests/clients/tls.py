# SPDX-License-Identifier: Apache-2.0
"""TLS in front of a proxy, as a load balancer ends it. Over TLS, clients sign and checksum their bodies differently."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import threading

from s3multi.demo.ports import HOST

_CHUNK = 262144


@contextlib.contextmanager
def in_front_of(port, directory):
    """Yield a port that speaks TLS and passes everything on to ``port``, and the file of its authority.

    directory: for that file.
    """
    import trustme
    authority, ca = trustme.CA(), directory / 'ca.pem'
    authority.cert_pem.write_to_path(ca)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(HOST, 'localhost').configure_cert(context)
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    server = []

    async def serve():
        async def meet(reader, writer):
            try:
                there, onward = await asyncio.open_connection(HOST, port)
            except OSError:
                writer.close()
                return
            await asyncio.gather(_pour(reader, onward), _pour(there, writer))

        server.append(await asyncio.start_server(meet, HOST, 0, ssl=context))
        ready.set()

    def run():
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield server[0].sockets[0].getsockname()[1], ca
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        server[0].close()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.1))
        loop.close()


async def _pour(reader, writer):
    """Copy from one connection to another until the first one ends, and then close the second."""
    with contextlib.suppress(OSError, ssl.SSLError, asyncio.CancelledError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.close()
