# SPDX-License-Identifier: Apache-2.0
"""What is stored of the parts of a finished object, which its manifest names."""
from collections.abc import Collection

from s3multi.s3.parts import Attempt
from s3multi.storage.segments import Store
from s3multi.upload.names import Upload


def attempts_named(store: Store, upload: Upload, names: Collection[str]) -> 'dict[str, Attempt]':
    """Return the attempts of ``upload`` with these object names, as far as they are there.

    One listing, and a HEAD of each whose row is late. What is no part of the upload is not asked for.
    """
    numbers = {name: found[0] for name in names if (found := upload.parse_part(name))}
    if not numbers:
        return {}
    known = {}
    for attempt in store.attempts(upload, min(numbers.values()) - 1, len(numbers) + 1):
        if attempt.number > max(numbers.values()):
            break
        if attempt.name in numbers:
            known[attempt.name] = attempt
    late = store.stored_attempts(upload, [name for name in numbers if name not in known])
    return {**known, **{attempt.name: attempt for attempt in late}}
