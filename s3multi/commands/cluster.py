# SPDX-License-Identifier: Apache-2.0
"""The cluster that a command looks at, through Swift's internal client."""
import configparser
import json
import os
from collections.abc import Iterator
from typing import Any

from paste.deploy.loadwsgi import APP
from swift.common import constraints, storage_policy, utils
from swift.common.internal_client import InternalClient
from swift.common.registry import get_swift_info
from swift.common.ring import Ring
from swift.common.wsgi import loadcontext

from s3multi import config
from s3multi.commands.accounts import Unreadable, local_accounts
from s3multi.commands.queue import QueueState, look
from s3multi.config import ConfigError, Settings
from s3multi.operations.bucket import cluster_secret
from s3multi.s3.parts import MAX_PART_BYTES, MAX_PART_NUMBER
from s3multi.upload.marker_names import bucket_of_markers, markers_container
from s3multi.upload.names import SEGMENTS_SUFFIX, UploadIds, segments_container

_REQUEST_TRIES = 3
# Of each container of the expirer's queue: enough to find a deletion behind tasks that the expirer keeps.
_TASKS_LOOKED_AT = 1000


class NotThere(LookupError):
    """An operator has named an account or a bucket that does not exist."""


class ReachedCluster:
    """A cluster. client: an internal client over its pipeline."""

    def __init__(self, conf_path: str, swift_dir: 'str | None', logger: Any, agent: str) -> None:
        """swift_dir: of swift.conf and the rings, None for /etc/swift. agent: the command, as logs name it.

        Raises ConfigError, and what Swift raises.
        """
        if swift_dir is not None:
            utils.set_swift_dir(swift_dir)
            storage_policy.reload_storage_policies()
            constraints.reload_constraints()
        self._logger = logger
        self.settings = _settings(conf_path)
        self.ids = UploadIds(cluster_secret())
        try:
            self.client = InternalClient(conf_path, agent, _REQUEST_TRIES, global_conf=_given(conf_path, swift_dir))
        except ConfigError:
            raise
        except ValueError as error:
            raise ConfigError('%s: %s' % (conf_path, error)) from None
        for name, section in (('symlink', 'symlink'), ('object_versioning', 'versioned_writes')):
            if name not in get_swift_info():
                # Without them the versions of an object could not be seen, and their parts would be deleted.
                raise ConfigError('%s: the pipeline needs versioned_writes and symlink, and [filter:versioned_writes] '
                                  'allow_object_versioning = true, whether the proxies have them or not; %s is missing'
                                  % (conf_path, section))

    def local_accounts(self, devices: str, mount_check: bool, unreadable: Unreadable) -> Iterator[str]:
        """Return the accounts that are this storage node's to look at. devices: the directory of its devices.

        unreadable: called for each place among them that cannot be read.
        """
        if not os.path.isdir(devices):
            raise ConfigError('%s: no directory of devices' % devices)
        return local_accounts(Ring(utils.SWIFT_CONF_FILE.rpartition('/')[0], ring_name='account'), devices,
                              mount_check, self._logger, unreadable)

    def wanted(self, account: str, only: 'str | None') -> Iterator[str]:
        """Yield ``only``, or without it the buckets of an account. Raises NotThere if there is nothing of that name."""
        if only is None:
            response = self.client.make_request('HEAD', self.client.make_path(account), {}, (2, 404))
            if response.status_int == 404:
                raise NotThere('there is no such account')
            yield from self.buckets(account)
            return
        # Of a deleted bucket the parts may be left.
        if not any(self.client.container_exists(account, name)
                   for name in (only, segments_container(only), markers_container(only))):
            raise NotThere('there is no such bucket')
        yield only

    def buckets(self, account: str) -> Iterator[str]:
        """Yield the buckets of an account that have a container for uploads, whether they still exist or not."""
        with_markers: set[str] = set()
        # Reserved names, which the internal client is shown, come first.
        for row in self.client.iter_containers(account):
            bucket = bucket_of_markers(row['name'])
            if bucket:
                with_markers.add(bucket)
            elif row['name'].endswith(SEGMENTS_SUFFIX) and row['name'] != SEGMENTS_SUFFIX:
                bucket = row['name'][:-len(SEGMENTS_SUFFIX)]
                if bucket in with_markers:
                    continue
            if bucket:
                yield bucket

    def queue(self, now: float) -> QueueState:
        """Look at the queue of the object expirer. Raises what the internal client raises."""
        account = '.' + (self.settings.expiring_objects_account_name or 'expiring_objects')

        def first_tasks(container: str) -> 'list[dict[str, Any]]':
            path = self.client.make_path(account, container) + '?format=json&limit=%d' % _TASKS_LOOKED_AT
            response = self.client.make_request('GET', path, {}, (2, 404))
            rows: list[dict[str, Any]] = json.loads(response.body) if response.status_int == 200 else []
            return rows

        return look(lambda: self.client.iter_containers(account), first_tasks,
                    self.settings.expiring_objects_container_divisor or 86400, now)


def _given(conf_path: str, swift_dir: 'str | None') -> 'dict[str, str]':
    """Return the options with which to load the pipeline. Raises ConfigError if ``swift_dir`` would not reach it."""
    given = {} if swift_dir is None else {'swift_dir': swift_dir}
    context = loadcontext(APP, conf_path, global_conf=given)
    own = getattr(context, 'app_context', context).config().get('swift_dir')
    # "set swift_dir" of the application comes before what it is given.
    if given and own != swift_dir:
        raise ConfigError('%s: swift_dir is %s, but --swift-dir is %s' % (conf_path, own, swift_dir))
    return given


def _settings(conf_path: str) -> Settings:
    parser = configparser.RawConfigParser(strict=False)
    if not parser.read(conf_path):
        raise ConfigError('%s cannot be read' % conf_path)
    config.check_default_names(parser.defaults())
    section = dict(parser['filter:s3multi']) if parser.has_section('filter:s3multi') else {}
    own = {name: value for name, value in section.items() if name not in parser.defaults()}
    return config.load(own, {'min_segment_size': MAX_PART_BYTES, 'max_upload_part_num': MAX_PART_NUMBER})
