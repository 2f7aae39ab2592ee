# SPDX-License-Identifier: Apache-2.0
"""What a version id may be. Swift gives them out, and Swift reads them in a query: nothing else may stand there."""
import re

from s3multi.s3.errors import InvalidArgument

# The time of the version. Releases before Swift 2.37 may have put an offset behind it.
_FORM = re.compile(r'null|[0-9]{10}\.[0-9]{5}(_[0-9a-f]{16})?')


def check_version_id(version_id: str, argument: str, value: str) -> None:
    """Raise InvalidArgument unless a version could have this id. argument, value: what to name in the error."""
    if not version_id:
        raise InvalidArgument(argument, value, 'Version id cannot be the empty string')
    if _FORM.fullmatch(version_id) is None:
        raise InvalidArgument(argument, value, 'Invalid version id specified')
