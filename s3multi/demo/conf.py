# SPDX-License-Identifier: Apache-2.0
"""The texts of the cluster's configuration files. Plain functions: values in, text out; no file is touched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional, Union

from .ports import HOST

# The value of an option; None takes the option out of the section.
Value = Optional[Union[str, int, float, bool, Path]]
Filters = Mapping[str, Mapping[str, Value]]

PIPELINE = ('catch_errors gatekeeper healthcheck proxy-logging cache bulk tempurl s3api tempauth s3multi copy '
            'container-quotas account-quotas slo dlo versioned_writes symlink proxy-logging proxy-server')

FILTERS: Filters = {
    'cache': {'use': 'egg:swift#memcache'},
    's3api': {'use': 'egg:s3multi#s3api'},
    's3multi': {'use': 'egg:s3multi#s3multi'},
    # Objects of 10,000 parts, as on Amazon S3, need a larger manifest than Swift's default of 8 MiB.
    'slo': {'max_manifest_segments': 10000, 'max_manifest_size': 16777216},
    'versioned_writes': {'allow_versioned_writes': True, 'allow_object_versioning': True},
    'tempauth': {
        'user_test_tester': 'testing .admin',
        'user_test_tester3': 'testing3',
        'user_test2_tester2': 'testing2 .admin',
    },
}

# The same proxy without s3multi, for comparison: add_proxy(name, pipeline=STOCK_PIPELINE, filters=STOCK_FILTERS).
STOCK_PIPELINE = PIPELINE.replace(' s3multi', '')
STOCK_FILTERS: Filters = {'s3api': {'use': 'egg:swift#s3api'}}


@dataclass(frozen=True)
class Policy:
    """A storage policy. replicas: how many replicas or fragments its ring has. options: further ones in swift.conf."""

    name: str
    replicas: int = 1
    options: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class Place:
    """What all configuration files of a cluster, or of one of its nodes, have in common.

    recon: the directory in which servers keep notes about themselves. swift_dir: that of swift.conf and the rings.
    devices: that of the "disks". host: the address that servers listen on. user: the name of the user they run as.
    """

    recon: Path
    swift_dir: Path
    devices: Path
    cache_port: int
    user: str
    host: str = HOST

    def defaults(self, name: str, port: int | None) -> dict[str, Value]:
        """Return the [DEFAULT] section of a server or daemon. port: None for a daemon, which does not listen."""
        section: dict[str, Value] = {
            'user': self.user,
            'swift_dir': self.swift_dir,
            'log_name': name,
            'log_level': 'INFO',
            # Swift always sends its log to syslog as well, and by UDP if there is none. The launcher has Swift write
            # to the console, which is the log file; this sends the other copy to the discard port.
            'log_udp_host': HOST,
            'log_udp_port': 9,
            'recon_cache_path': self.recon,
        }
        if port is not None:
            # No worker processes: a single process starts faster and is easier to stop.
            section.update(bind_ip=self.host, bind_port=port, workers=0, bind_timeout=5)
        return section


def render(sections: Mapping[str, Mapping[str, Value]]) -> str:
    """Return the text of a configuration file: section name to option name to value."""
    lines = []
    for name, options in sections.items():
        lines.append(f'[{name}]')
        lines += [f'{key} = {_text(value)}' for key, value in options.items() if value is not None]
        lines.append('')
    return '\n'.join(lines)


def merge(*layers: Filters) -> dict[str, dict[str, Value]]:
    """Return the options of all layers, section by section; a later layer overrides an earlier one option by option."""
    merged: dict[str, dict[str, Value]] = {}
    for layer in layers:
        for name, options in layer.items():
            section = merged.setdefault(name, {})
            # PasteDeploy would prefer `use` to the factory.
            if 'paste.filter_factory' in options:
                section.pop('use', None)
            section.update(options)
    return merged


def swift_conf(hash_suffix: str, policies: Sequence[Policy], constraints: Mapping[str, Value]) -> str:
    """Return swift.conf. policies: the first is number 0 and the default."""
    sections: dict[str, Mapping[str, Value]] = {'swift-hash': {'swift_hash_path_suffix': hash_suffix}}
    for index, policy in enumerate(policies):
        sections[f'storage-policy:{index}'] = {
            'name': policy.name, 'default': index == 0, **policy.options}
    sections['swift-constraints'] = constraints
    return render(sections)


def storage_conf(place: Place, kind: str, port: int, options: Mapping[str, Value], filters: Filters) -> str:
    """Return the configuration of the account, container or object server.

    kind: 'account', 'container' or 'object'. options: further ones of the server's own section. filters: those that
    stand before Swift's own.
    """
    defaults = place.defaults(kind, port)
    defaults.update(devices=place.devices, mount_check=False, disable_fallocate=True, fallocate_reserve=0)
    sections: dict[str, Mapping[str, Value]] = {
        'DEFAULT': defaults,
        'pipeline:main': {'pipeline': ' '.join([*filters, 'healthcheck', 'recon', f'{kind}-server'])},
        **{f'filter:{name}': each for name, each in filters.items()},
        'filter:healthcheck': {'use': 'egg:swift#healthcheck'},
        'filter:recon': {'use': 'egg:swift#recon'},
        f'app:{kind}-server': {'use': f'egg:swift#{kind}', **options},
    }
    # The daemons run once, by hand, so they need not spare the disks.
    daemon: dict[str, Value] = {'slowdown': 0, 'containers_per_second': 0, 'objects_per_second': 0}
    sections[f'{kind}-replicator'] = {}
    sections[f'{kind}-auditor'] = {}
    if kind == 'container':
        sections['container-updater'] = {**daemon, 'account_suppression_time': 0}
        # One range in a pass, so that what comes in between can be looked at.
        sections['container-sharder'] = {'cleave_batch_size': 1,
                                         'internal_client_conf_path': place.swift_dir / 'internal-client.conf'}
        sections['container-sync'] = {'internal_client_conf_path': place.swift_dir / 'internal-client.conf'}
    elif kind == 'object':
        sections['object-updater'] = daemon
        # ssync needs no rsync, which not every machine has.
        sections['object-replicator'] = {'sync_method': 'ssync'}
        sections['object-reconstructor'] = {}
    elif kind == 'account':
        sections['account-reaper'] = {'delay_reaping': 0}
    return render(sections)


def proxy_conf(place: Place, name: str, port: int, pipeline: str, filters: Filters,
               app: Mapping[str, Value]) -> str:
    """Return the configuration of a proxy.

    pipeline: names separated by blanks, the last one `proxy-server`. filters: options by filter name; a filter with
    neither `use` nor `paste.filter_factory` is Swift's own of that name. app: options of the proxy-server.
    """
    sections: dict[str, Mapping[str, Value]] = {
        'DEFAULT': place.defaults(name, port),
        'pipeline:main': {'pipeline': pipeline},
        'app:proxy-server': {
            'use': 'egg:swift#proxy', 'account_autocreate': True, 'allow_account_management': True,
            # There is only one replica, so a server that failed once must not be avoided for the usual minute.
            'error_suppression_interval': 1, **app},
    }
    for word in dict.fromkeys(pipeline.split()[:-1]):
        options = dict(filters.get(word, {}))
        if 'paste.filter_factory' not in options:
            options.setdefault('use', 'egg:swift#' + word.replace('-', '_'))
        if word == 'cache':
            options.setdefault('memcache_servers', f'{HOST}:{place.cache_port}')
        sections[f'filter:{word}'] = options
    return render(sections)


def expirer_conf(place: Place, app: Mapping[str, Value]) -> str:
    """Return the configuration of the object expirer, with that of the small proxy inside it. app: its options."""
    return render({
        'DEFAULT': place.defaults('expirer', None),
        'object-expirer': {
            'internal_client_conf_path': place.swift_dir / 'internal-client.conf',
            'tasks_per_second': 1000, 'concurrency': 4,
        },
        # Swift 2.34 looks for the small proxy in this file.
        **_small_proxy(place, app),
    })


def internal_client_conf(place: Place, app: Mapping[str, Value]) -> str:
    """Return the configuration of the small proxy inside daemons. app: its options."""
    return render({'DEFAULT': place.defaults('internal-client', None), **_small_proxy(place, app)})


def _small_proxy(place: Place, app: Mapping[str, Value]) -> dict[str, dict[str, Value]]:
    return {
        'pipeline:main': {'pipeline': 'catch_errors proxy-logging cache symlink proxy-server'},
        'filter:catch_errors': {'use': 'egg:swift#catch_errors'},
        'filter:proxy-logging': {'use': 'egg:swift#proxy_logging'},
        'filter:cache': {'use': 'egg:swift#memcache', 'memcache_servers': f'{HOST}:{place.cache_port}'},
        'filter:symlink': {'use': 'egg:swift#symlink'},
        'app:proxy-server': {'use': 'egg:swift#proxy', 'account_autocreate': True, **app},
    }


def _text(value: object) -> str:
    if isinstance(value, bool):
        return 'true' if value else 'false'
    return str(value)
