# SPDX-License-Identifier: Apache-2.0
"""Histories that are left to chance: each seed decides one. ``python3 -m tests.model --histories`` tries them."""
import random

from s3multi.upload.records import GRACE_SECONDS

from .account import DAY_SECONDS
from .chance import SKEW_SECONDS
from .histories import BUCKET, KEY, OTHER, History, Lost

# So many things happen in each.
_LENGTH = 35

# What may happen, as often as it says.
HAPPENINGS = (
    (4, 'upload', ()), (1, 'upload_and_abort', ()), (3, 'put', ()), (2, 'delete', ()), (3, 'delete_version', ()),
    (1, 'delete_many', ()), (1, 'delete_many', (False,)),
    (1, 'put', ((BUCKET, 'copy'),)), (1, 'delete', ((BUCKET, 'copy'),)), (1, 'delete', ((OTHER, 'copy'),)),
    (1, 'copy', ()), (1, 'copy', ('a%26multipart-manifest%3Dget',)), (1, 'copy', ('null%26multipart-manifest%3Dget',)),
    (1, 'delete_bucket', ()), (1, 'delete_other_bucket', ()), (1, 'api_put', ()), (1, 'api_delete', ()),
    (1, 'api_delete', ((BUCKET, 'copy'),)), (2, 'copy_manifest', ()),
    (1, 'copy_manifest', ((BUCKET, KEY), (OTHER, 'copy'))), (1, 'copy_manifest', ((BUCKET, 'copy'), (OTHER, 'copy'))),
    (2, 'copy_manifest', ((BUCKET, 'copy'), (BUCKET, KEY))), (3, 'restore', ()), (1, 'restore', (0,)), (2, 'save', ()),
    (2, 'put_saved', ()), (1, 'put_saved', ((BUCKET, 'copy'),)), (1, 'put_dynamic', ()),
    (1, 'put_dynamic', ((BUCKET, KEY),)), (1, 'put_dynamic', ((BUCKET, KEY), True)), (1, 'put_link', ()),
    (1, 'put_link', ((BUCKET, KEY),)), (1, 'copy_link', ()), (1, 'expires', ()), (2, 'keep_versions', ()),
    (1, 'keep_versions', (False,)), (1, 'put_foreign', ()), (1, 'wait', (60,)), (1, 'wait', (4000,)),
    (3, 'wait', (1.1 * GRACE_SECONDS,)), (1, 'wait', (8 * DAY_SECONDS,)), (1, 'rows_are_late', (0.5,)),
    (1, 'rows_are_late', (1,)), (1, 'rows_are_late', (0,)), (1, 'shard', (False,)), (1, 'shard', (True,)),
    (2, 'cleave', ()), (1, 'clocks_differ', (SKEW_SECONDS,)), (1, 'clocks_differ', (0.0,)),
    (3, 'sweep', ()), (2, 'expire', ()),
)


def by_chance(seed):
    """Have the history of a seed happen. Return it. Raises Lost."""
    rng = random.Random(seed)
    history = History(rng, rng.random() < 0.85)
    weights = [weight for weight, *_ in HAPPENINGS]
    with history.account.in_charge():
        history.begin()
        for _weight, what, arguments in rng.choices(HAPPENINGS, weights, k=_LENGTH):
            history.happen(what, *arguments)
        history.end()
    return history


class Histories:
    """Has histories happen, and counts them."""

    arguments = ()

    def __init__(self):
        self.count = 0

    def run(self, seed):
        """Have the history of a seed happen. Raises Lost."""
        by_chance(seed)
        self.count += 1

    def add(self, other):
        """Count what another has tried as well."""
        self.count += other.count

    def __str__(self):
        return '%d histories' % self.count


def replay(seed):
    """Have one history happen, and tell it. Returns 1 if something was lost, else 0."""
    try:
        print('\n'.join(by_chance(seed).told))
    except Lost as lost:
        print(lost)
        return 1
    return 0
