# SPDX-License-Identifier: Apache-2.0
"""One test for many cases that say the same thing."""

import pytest


def for_each(cases, check):
    """Call check(case) for every case; fail with all the cases that it failed for, and why."""
    failures = []
    for case in cases:
        try:
            check(case)
        # That pytest.raises saw nothing raised is no Exception.
        except (Exception, pytest.fail.Exception) as error:
            failures.append(f'{case!a}: {type(error).__name__}: {error}')
    assert not failures, '\n'.join([f'{len(failures)} of {len(cases)} cases failed', *failures])
