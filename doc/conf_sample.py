# SPDX-License-Identifier: Apache-2.0
"""The text of ``etc/proxy-server.conf-sample``, with every option of ``s3multi.config``."""
import textwrap
from collections.abc import Iterable, Sequence

from s3multi.config import FRONT_OPTIONS, OPTIONS, Option
from s3multi.s3.parts import MAX_PART_NUMBER
from s3multi.upload.manifest import MAX_ENTRY_BYTES

_WIDTH = 120
_UNITS = ('bytes', 'seconds', 'parts', 'requests')
_HEAD = """\
# What s3multi changes in proxy-server.conf. The other sections of Swift's own sample stay as they are. Options that
# begin with "#" have their defaults here; those without a value have none, or take that of another section.

[pipeline:main]
# s3multi goes right after the last auth filter. With Keystone: authtoken s3api s3token keystoneauth s3multi.
pipeline = catch_errors gatekeeper healthcheck proxy-logging cache bulk tempurl
    s3api tempauth s3multi
    copy container-quotas account-quotas slo dlo versioned_writes symlink
    proxy-logging proxy-server

[filter:s3api]
use = egg:s3multi#s3api
# All options of egg:swift#s3api may stand here as well.
"""
_SLO = """\
[filter:slo]
use = egg:swift#slo
# For %d parts. Swift's own limits, 1000 segments and 8 MiB, are enough for 1000 parts.
max_manifest_segments = %d
max_manifest_size = %d
"""


def text() -> str:
    """Return the text of the file."""
    slo = _SLO % (MAX_PART_NUMBER, MAX_PART_NUMBER, MAX_PART_NUMBER * MAX_ENTRY_BYTES)
    ours = '[filter:s3multi]\nuse = egg:s3multi#s3multi\n# Options of Swift\'s logger (log_*) may stand here as well.\n'
    return '\n'.join([_HEAD, *_lines(FRONT_OPTIONS), ours, *_lines(OPTIONS), slo.rstrip()]) + '\n'


def _lines(options: 'Sequence[Option]') -> 'Iterable[str]':
    for option in options:
        unit = ' (%s)' % option.unit if option.unit in _UNITS else ''
        yield textwrap.fill('%s Accepted: %s%s.' % (option.reason, option.expected, unit), _WIDTH,
                            initial_indent='# ', subsequent_indent='# ', break_on_hyphens=False)
        yield ('# %s = %s' % (option.name, written(option.default))).rstrip() + '\n'


def written(default: object) -> str:
    """Return a default as it is written in a file; '' if there is none."""
    return str(default).lower() if isinstance(default, bool) else '' if default is None else str(default)
