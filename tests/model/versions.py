# SPDX-License-Identifier: Apache-2.0
"""Which versions of a key were ever its latest one. Swift stores a version first, and then a link to it at the key."""
from urllib.parse import unquote

from greenlet import getcurrent

from s3multi.upload.lifecycle import Actor

from .kinds import ACCOUNT

# Swift's filter for versions keeps them in a container with a reserved name.
_CONTAINERS = ACCOUNT + '/\0versions\0'
# Where Swift's filter for links keeps whither one leads.
LINK = 'X-Object-Sysmeta-Symlink-Target'


def linked_by(stored):
    """Return the name of the version to which an object leads; None if it is no link."""
    target = stored.headers.get(LINK) if stored is not None else None
    return None if target is None else ACCOUNT + '/' + unquote(target)


class Shown:
    """The versions that have been the latest one since this object was made, or were when it was."""

    def __init__(self, swift):
        self._names = {linked_by(swift.newest(name)) for name in swift.objects}
        swift.watchers.append(self._changed)

    def _changed(self, name, _before, after):
        # Others than a Complete make a version only of what was at the key.
        copied = getattr(getcurrent(), 'operation', None) is not Actor.COMPLETE
        self._names.add(name if copied else linked_by(after))

    def __contains__(self, name):
        """Return whether a large object of this name is no version, or has been the latest one."""
        return name in self._names or not name.startswith(_CONTAINERS)
