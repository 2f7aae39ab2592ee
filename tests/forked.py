# SPDX-License-Identifier: Apache-2.0
"""What the process of `forking` imports: what every server needs, and what the filters of its proxy need."""

from __future__ import annotations

import os
import warnings

# As for servers that are started by themselves: `s3multi.demo.child`.
os.environ['EVENTLET_NO_GREENDNS'] = 'yes'
with warnings.catch_warnings():
    warnings.simplefilter('ignore')
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
