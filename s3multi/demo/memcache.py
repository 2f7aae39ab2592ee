# SPDX-License-Identifier: Apache-2.0
"""A stand-in for memcached: the part of its text protocol that Swift's proxy uses, for machines without memcached.

Without a cache, tempauth forgets each token that it hands out, and the Swift API is out of reach. This one is a process
with a dictionary from which nothing is evicted before it expires: good for a demo, not for service.
"""

from __future__ import annotations

import asyncio
import time

from .ports import HOST

# memcached's own rule: a larger number is a date, in seconds since 1970, and not a duration.
LONGEST_DURATION_SECONDS = 30 * 24 * 3600

# One line may ask for thousands of keys of 32 characters.
LONGEST_LINE_BYTES = 1 << 20


class Table:
    """The values, by key. Each has flags and a time at which it expires, in seconds since 1970, or None for never."""

    def __init__(self) -> None:
        self._rows: dict[bytes, tuple[bytes, bytes, float | None]] = {}

    def get(self, key: bytes) -> tuple[bytes, bytes] | None:
        """Return (flags, value) of a key; None if the key is unknown or has expired."""
        row = self._rows.get(key)
        if row is None:
            return None
        flags, value, expires = row
        if expires is not None and expires <= time.time():
            del self._rows[key]
            return None
        return flags, value

    def store(self, command: bytes, key: bytes, flags: bytes, lifetime: int, value: bytes) -> bytes:
        """Carry out set, add or replace; return the line of the answer.

        lifetime: as memcached takes it; 0 is for ever.
        """
        exists = self.get(key) is not None
        if (command == b'add' and exists) or (command == b'replace' and not exists):
            return b'NOT_STORED'
        expires = None
        if lifetime:
            expires = lifetime if lifetime > LONGEST_DURATION_SECONDS else time.time() + lifetime
        self._rows[key] = (flags, value, expires)
        return b'STORED'

    def count(self, key: bytes, delta: int) -> bytes:
        """Add delta to a number, which stays at 0 or above and keeps its expiry; return the line of the answer."""
        found = self.get(key)
        if found is None:
            return b'NOT_FOUND'
        if not found[1].isdigit():
            return b'CLIENT_ERROR cannot increment or decrement non-numeric value'
        flags, value, expires = self._rows[key]
        result = b'%d' % max(0, int(value) + delta)
        self._rows[key] = (flags, result, expires)
        return result

    def touch(self, key: bytes, lifetime: int) -> bytes:
        """Give a key a new lifetime; return the line of the answer."""
        found = self.get(key)
        if found is None:
            return b'NOT_FOUND'
        self.store(b'set', key, found[0], lifetime, found[1])
        return b'TOUCHED'

    def delete(self, key: bytes) -> bytes:
        """Forget a key; return the line of the answer."""
        if self.get(key) is None:
            return b'NOT_FOUND'
        del self._rows[key]
        return b'DELETED'

    def clear(self) -> bytes:
        """Forget everything; return the line of the answer."""
        self._rows.clear()
        return b'OK'


async def answer(table: Table, words: list[bytes], reader: asyncio.StreamReader) -> bytes:
    """Carry out one command; return the whole answer without its last line end. words: the command's line, split."""
    command = words[0].lower()
    if command in (b'set', b'add', b'replace'):
        value = (await reader.readexactly(int(words[4]) + 2))[:-2]
        return table.store(command, words[1], words[2], int(words[3]), value)
    if command == b'get':
        lines = []
        for key in words[1:]:
            found = table.get(key)
            if found is not None:
                lines.append(b'VALUE %s %s %d\r\n%s' % (key, found[0], len(found[1]), found[1]))
        return b'\r\n'.join([*lines, b'END'])
    if command == b'incr':
        return table.count(words[1], int(words[2]))
    if command == b'decr':
        return table.count(words[1], -int(words[2]))
    if command == b'touch':
        return table.touch(words[1], int(words[2]))
    if command == b'delete':
        return table.delete(words[1])
    if command == b'flush_all':
        return table.clear()
    return b'ERROR'


async def converse(table: Table, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the commands of one connection until it closes."""
    try:
        while True:
            line = await reader.readline()
            if not line:
                break
            words = line.split()
            if not words:
                continue
            try:
                result = await answer(table, words, reader)
            except (IndexError, ValueError):
                result = b'CLIENT_ERROR bad command line format'
            if words[-1] != b'noreply':
                writer.write(result + b'\r\n')
                await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def _serve(port: int) -> None:
    table = Table()
    server = await asyncio.start_server(
        lambda reader, writer: converse(table, reader, writer), HOST, port, limit=LONGEST_LINE_BYTES)
    async with server:
        await server.serve_forever()


def serve(port: int) -> None:
    """Answer on `port` of the loopback interface until the process ends."""
    asyncio.run(_serve(port))
