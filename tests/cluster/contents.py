# SPDX-License-Identifier: Apache-2.0
"""What a key may hold after writes of which some were answered, and some overlapped."""

from __future__ import annotations

from .clients import FOREVER


def possible_contents(calls, slack):
    """Return what a key may have after these writes: pairs of content and ETag, or None for no object.

    A write that was acknowledged ends all that were answered before it began, by more than `slack` seconds: within the
    difference of the clocks of two proxies, Swift may take the earlier one for the later.
    """
    writes = [call for call in calls if call.outcome in (200, 204) or call.lost]
    acknowledged = [call for call in writes if call.outcome in (200, 204)]

    def is_over(call):
        return call.ended != FOREVER and any(other.began > call.ended + slack for other in acknowledged)

    possible = [(call.content, call.etag) for call in writes if call.kind != 'delete' and not is_over(call)]
    if not any(call.kind != 'delete' for call in acknowledged) or any(
            call.kind == 'delete' and not is_over(call) for call in writes):
        possible.append(None)
    return possible


def same(found, possible):
    """Return whether ``found``, what was read, is ``possible``. The ETag of a plain object does not count."""
    if found is None or possible is None:
        return found is possible
    return found[0] == possible[0] and possible[1] in (None, found[1])
