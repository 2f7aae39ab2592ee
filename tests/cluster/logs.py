# SPDX-License-Identifier: Apache-2.0
"""What Swift's servers and daemons did in a run, as their logs tell."""

from __future__ import annotations

import re

_DONE = {
    'containers and shards that were sharded': r"Kick off container cleaving, own shard range in state 'shard\w+', "
                                               r'path: ([^ ,]+)',
    'shards that shrank': r"Kick off container cleaving, own shard range in state 'shr\w+', path: ([^ ,]+)",
    'objects that were quarantined': r'Quarantined object (\S+?):? ',
    'container databases that were quarantined': r'Quarantined (\S+/containers/\S+) to ',
}
_RSYNC = re.compile(r'remote_merge:\d+ rsync:(\d+) ')
_EXPIRED = re.compile(r'Pass completed in \S+ (\d+) objects expired')


def swift_did(log_dir):
    """Return what was done, in words, and how often. What several replicas did counts once."""
    text = ''.join(path.read_text(encoding='utf-8', errors='replace')
                   for kind in ('daemons', 'object', 'container') for path in sorted(log_dir.glob(f'{kind}*.log')))
    return {**{words: len(set(re.findall(pattern, text))) for words, pattern in _DONE.items()},
            'databases that rsync copied': sum(map(int, _RSYNC.findall(text))),
            'objects that expired': sum(map(int, _EXPIRED.findall(text)))}
