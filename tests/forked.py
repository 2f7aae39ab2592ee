# SPDX-License-Identifier: Apache-2.0
"""What the process of `forking` imports, and does once for all its servers: for storage servers, and for proxies."""

from __future__ import annotations

import gc
import os
import threading
import warnings
from importlib import metadata

# As for servers that are started by themselves: `s3multi.demo.child`.
os.environ['EVENTLET_NO_GREENDNS'] = 'yes'
with warnings.catch_warnings():
    warnings.simplefilter('ignore')
    import eventlet.patcher
    import swift.account.server
    import swift.common.middleware.copy
    import swift.common.middleware.crypto
    import swift.common.middleware.s3api.s3api
    import swift.common.middleware.slo
    import swift.common.middleware.tempauth
    import swift.common.middleware.versioned_writes
    import swift.container.server
    import swift.obj.server
    import swift.proxy.server  # noqa: F401

    import s3multi.filters.s3api
    import s3multi.filters.s3multi  # noqa: F401

    from . import entry_points

# What each server would do anew takes longer than all else of its start.
entry_points.remember()
for _name in ('swift', 's3multi'):
    assert metadata.distribution(_name).entry_points
# eventlet looks for locks in all that was imported, and makes them green.
eventlet.patcher._green_existing_locks(type(threading.RLock()))
eventlet.patcher._green_existing_locks = lambda _kind: None
# Garbage is looked for only in what a server makes itself; and pages that it shares with others stay shared.
gc.collect()
gc.freeze()
