# SPDX-License-Identifier: Apache-2.0
"""What the segments containers hold: which parts objects consist of, and what a clean-up leaves."""

from __future__ import annotations

import json

from tests.integration.checking import Checker
from tests.integration.sweeping import Sweeper
from tests.integration.users import account

from .disks import stored
from .machines import APP, BUCKETS, ENCRYPTION, ENCRYPTION_FILTERS

# The pipeline of the commands, which have to read encrypted manifests.
_COMMANDS = {'app': APP,
             'pipeline': f'catch_errors cache versioned_writes symlink {ENCRYPTION_FILTERS} proxy-logging proxy-server',
             'sections': {f'filter:{name}': options for name, options in ENCRYPTION.items()}}

# How often to sweep while shards come and go.
SWEEPS = 4


def segment_names(swift):
    """Return the names in the segments container of each bucket."""
    return {bucket: [row['name'] for row in swift.get_container(f'{bucket}_segments', full_listing=True)[1]]
            for bucket in BUCKETS}


def may_return(name):
    """Return whether the row of an object may be listed again after its deletion.

    An intent is deleted at a time just after it was written. Longer ago than RECLAIM_SECONDS, Swift does not remember.
    """
    return name.endswith('/complete')


def parts_in_use(swift, bucket):
    """Return the names of all parts of which objects in the bucket consist."""
    found = set()
    for row in swift.get_container(bucket, full_listing=True)[1]:
        headers, body = swift.get_object(bucket, row['name'], query_string='multipart-manifest=get')
        if headers.get('x-static-large-object'):
            found |= {part['name'].split('/', 2)[2] for part in json.loads(body)}
    return found


def clean_up(machines, swift):
    """Sweep with a clock that is days ahead; return what is wrong then, in words.

    Each segments container has to hold the parts of objects, and nothing else; and every object has to be whole, as
    s3multi-check reads it.
    """
    for _ in range(SWEEPS):
        with Sweeper(machines.cluster, **_COMMANDS) as sweeper:
            swept = sweeper.run(account(), '--apply', '--verbose')
        if swept.code:
            return [f's3multi-sweep ended with {swept.code}: {swept.report} {swept.errors}']
        # What has to be looked for in a container that is just being sharded stays until the next sweep.
        if not any('being' in (line.get('reason') or '') for line in swept.lines):
            break
        machines.settle()
    with Checker(machines.cluster, **_COMMANDS) as checker:
        checked = checker.run(account(), '--proof', 'bytes')
    if checked.code:
        return [f's3multi-check ended with {checked.code}: {checked.lines} {checked.errors}']
    with machines.at_rest():
        names, on_disks = segment_names(swift), stored(machines.cluster)
    problems = []
    for bucket in BUCKETS:
        container, parts = f'{bucket}_segments', parts_in_use(swift, bucket)
        stored_here = {name for place, name in on_disks if place == container}
        there = {name for name in names[bucket] if name in stored_here or not may_return(name)} | stored_here
        # Notes about parts that requests have freed, which expire.
        there = {name for name in there if not name.endswith('/freed')}
        if there != parts:
            problems.append(f'{container}: after a sweep there are {sorted(there - parts)}, '
                            f'and gone are {sorted(parts - there)}')
    return problems
