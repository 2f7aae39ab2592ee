# SPDX-License-Identifier: Apache-2.0
"""When an upload that nobody ends is to be aborted: by the lifecycle rules of its bucket or the operator's. No I/O.

What a rule makes of an upload is told in its Initiate and List Parts, and done by the sweep.
"""
import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from functools import cached_property
from typing import Any
from urllib.parse import quote

import simplejson as json

from s3multi.s3.bucket_lifecycle import Form, Lifecycle, Rule
from s3multi.s3.errors import InvalidRequest

# The system metadata of the bucket, in which its configuration is stored.
HEADER = 'X-Container-Sysmeta-S3multi-Lifecycle'
# Of what is stored. Swift's servers take no header line of more than 8192 bytes, unless swift.conf says otherwise.
MAX_STORED_BYTES = 8000
# The rules of the operator have the names of the options.
DEFAULT, MOST = 'abort_uploads_after_days', 'abort_uploads_within_days'

_DAY_SECONDS = 86400
_DAY_TICKS = _DAY_SECONDS * 100000
# The last one that a header can tell: December 31, 9999.
_LAST_SECONDS = 253402214400
_PRINTABLE = ''.join(map(chr, range(0x20, 0x7f)))


def encode(lifecycle: Lifecycle) -> str:
    """Return a configuration as the value of ``HEADER``. Raises InvalidRequest if it is too large."""
    rules = [[rule.id, rule.prefix, rule.days, int(rule.enabled), rule.form.value] for rule in lifecycle.rules]
    text = json.dumps([lifecycle.minimum_size, rules], separators=(',', ':'))
    stored = base64.b64encode(zlib.compress(text.encode(), 9)).decode()
    if len(stored) > MAX_STORED_BYTES:
        raise InvalidRequest('The rules are too large: compressed they have %d bytes, and at most %d are stored'
                             % (len(stored), MAX_STORED_BYTES))
    return stored


def decode(stored: 'str | None') -> 'Lifecycle | None':
    """Return the configuration that ``encode`` has written; None without one, and for what cannot be read."""
    try:
        minimum_size, rules = json.loads(zlib.decompress(base64.b64decode(stored or '', validate=True)))
        return Lifecycle(tuple(Rule(rule_id, prefix, days, bool(enabled), Form(form))
                               for rule_id, prefix, days, enabled, form in rules), minimum_size)
    except (TypeError, ValueError, zlib.error):
        return None


def of_bucket(bucket_info: 'Mapping[str, Any]') -> 'Lifecycle | None':
    """Return the configuration in Swift's container info of a bucket; None if it has none."""
    return decode((bucket_info.get('sysmeta') or {}).get(HEADER.rpartition('Sysmeta-')[2].lower()))


@dataclass(frozen=True)
class Deadline:
    """When an upload may be aborted, in seconds since the epoch, and by which rule."""

    rule_id: str
    seconds: int

    @property
    def headers(self) -> 'dict[str, str]':
        """The headers that tell a client. An ID with what no header can hold is percent-encoded, as far as needed."""
        return {'x-amz-abort-date': formatdate(self.seconds, usegmt=True),
                'x-amz-abort-rule-id': quote(self.rule_id, safe=_PRINTABLE)}


@dataclass(frozen=True)
class AbortRules:
    """All rules for the uploads of a bucket.

    lifecycle: of the bucket. default_days: the operator's, for keys to which no rule of the bucket applies. most_days:
    the operator's, which no rule exceeds. None: there is none.
    """

    lifecycle: 'Lifecycle | None' = None
    default_days: 'int | None' = None
    most_days: 'int | None' = None

    def deadline(self, key: str, began_ticks: int) -> 'Deadline | None':
        """Return when an upload of ``key`` is aborted; None if it never is. began_ticks: the time in its id.

        Of several rules that apply the shortest counts, and of those the first:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-conflicts.html
        The time is rounded up to the next midnight UTC:
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
        """
        found = next(((rule.id, rule.days) for rule in self._enabled if key.startswith(rule.prefix)), None)
        if found is None and self.default_days is not None:
            found = DEFAULT, self.default_days
        if self.most_days is not None and (found is None or found[1] > self.most_days):
            found = MOST, self.most_days
        if found is None:
            return None
        midnight = (began_ticks // _DAY_TICKS + found[1] + 1) * _DAY_SECONDS
        return Deadline(found[0], min(midnight, _LAST_SECONDS))

    @cached_property
    def _enabled(self) -> 'list[Rule]':
        rules = self.lifecycle.rules if self.lifecycle else ()
        return sorted((rule for rule in rules if rule.enabled), key=lambda rule: rule.days)
