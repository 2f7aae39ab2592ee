# SPDX-License-Identifier: Apache-2.0
"""The checks at start-up: in which pipelines multipart uploads work, and what is said of the others."""
import re
from pathlib import Path

import pytest

from s3multi.config import ConfigError
from s3multi.filters.startup_checks import (NEWEST_SWIFT, Stage, check, check_limits, read_stages,
                                            untested_swift)
from s3multi.upload.manifest import MAX_ENTRY_BYTES

MODULES = {
    's3api': 's3multi.filters.s3api', 's3multi': 's3multi.filters.s3multi',
    'stock': 'swift.common.middleware.s3api.s3api',
    'slo': 'swift.common.middleware.slo', 'tempauth': 'swift.common.middleware.tempauth',
    'keystoneauth': 'swift.common.middleware.keystoneauth', 'authtoken': 'keystonemiddleware.auth_token',
    's3token': 'swift.common.middleware.s3api.s3token', 'dlo': 'swift.common.middleware.dlo',
    'copy': 'swift.common.middleware.copy', 'cache': 'swift.common.middleware.memcache',
    'ratelimit': 'swift.common.middleware.ratelimit', 'staticweb': 'swift.common.middleware.staticweb',
    'versioned_writes': 'swift.common.middleware.versioned_writes', 'symlink': 'swift.common.middleware.symlink',
    'keymaster': 'swift.common.middleware.crypto.keymaster', 'encryption': 'swift.common.middleware.crypto',
    'mpu': 'swift.common.middleware.mpu', 'gatekeeper': 'swift.common.middleware.gatekeeper',
    'kmip': 'swift.common.middleware.crypto.kmip_keymaster', 'tempurl': 'swift.common.middleware.tempurl',
}


def stages(pipeline):
    """Return the stages of a pipeline, written with the names in ``MODULES``."""
    return [Stage(name, MODULES[name]) for name in pipeline.split()]


@pytest.mark.parametrize('pipeline', [
    's3api tempauth s3multi slo',
    'cache s3api tempauth copy s3multi slo dlo',
    'authtoken s3api s3token keystoneauth s3multi copy slo',
    's3api s3multi slo',
    's3api tempauth s3multi slo slo',
    'ratelimit tempurl s3api tempauth s3multi slo',
    'gatekeeper authtoken s3api s3token keystoneauth s3multi slo',
    's3api tempauth ratelimit staticweb s3multi copy slo dlo versioned_writes symlink keymaster encryption',
])
def test_pipelines_that_work(pipeline):
    """s3api, auth, s3multi and slo stand in this order. Most other filters may stand anywhere."""
    assert check(stages(pipeline)) is None


@pytest.mark.parametrize('pipeline, said', [
    pytest.param('', 'needs s3multi in the pipeline', id='nothing'),
    pytest.param('s3api tempauth slo', 'needs s3multi in the pipeline', id='s3api-alone'),
    pytest.param('s3api tempauth s3multi s3multi slo', 'once', id='s3multi-twice'),
    pytest.param('s3api s3api tempauth s3multi slo', 'once', id='s3api-twice'),
    pytest.param('stock tempauth s3multi slo', 'use = egg:s3multi#s3api', id='stock-s3api'),
    pytest.param('stock s3api tempauth s3multi slo', 'use = egg:s3multi#s3api', id='stock-s3api-too'),
    pytest.param('s3api tempauth s3multi stock slo', 'use = egg:s3multi#s3api', id='stock-s3api-behind'),
    pytest.param('tempauth s3multi slo', 'use = egg:s3multi#s3api', id='no-s3api'),
    pytest.param('tempauth s3multi s3api slo', 's3api to its left', id='s3api-behind'),
    pytest.param('s3api s3multi tempauth slo', 'tempauth stands after s3multi', id='auth-behind'),
    pytest.param('s3api s3token s3multi keystoneauth slo', 'keystoneauth stands after s3multi', id='keystone-behind'),
    pytest.param('s3api s3multi authtoken slo', 'authtoken stands after s3multi', id='token-behind'),
    pytest.param('s3api s3multi slo s3token', 's3token stands after s3multi', id='s3token-behind-slo'),
    pytest.param('tempauth s3api s3multi slo', 'tempauth stands before s3api', id='auth-in-front'),
    pytest.param('authtoken s3token s3api keystoneauth s3multi slo', 's3token stands before s3api', id='s3token-first'),
    pytest.param('s3api tempauth s3multi gatekeeper slo', 'gatekeeper has to stand to the left of s3api',
                 id='gatekeeper-behind'),
    pytest.param('s3api gatekeeper tempauth s3multi slo', 'gatekeeper has to stand to the left of s3api',
                 id='gatekeeper-between'),
    pytest.param('s3api tempauth s3multi mpu slo', 'mpu in the pipeline', id='native-behind'),
    pytest.param('s3api tempauth mpu s3multi slo', 'mpu in the pipeline', id='native-in-front'),
    pytest.param('s3api tempauth s3multi', 'needs slo to its right', id='no-slo'),
    pytest.param('s3api tempauth slo s3multi', 'needs slo to its right', id='slo-in-front'),
    pytest.param('s3api tempauth s3multi ratelimit slo', 'ratelimit has to stand to the left', id='ratelimit-behind'),
    pytest.param('s3api tempauth s3multi slo staticweb', 'staticweb has to stand to the left', id='staticweb-behind'),
    pytest.param('s3api tempauth dlo s3multi slo', 'dlo has to stand to the right', id='dlo-in-front'),
    pytest.param('s3api tempauth versioned_writes s3multi slo', 'versioned_writes has to stand to the right',
                 id='versions-in-front'),
    pytest.param('s3api tempauth keymaster encryption s3multi slo', 'keymaster has to stand to the right',
                 id='encryption-in-front'),
    pytest.param('kmip s3api tempauth encryption s3multi slo', 'kmip has to stand to the right', id='keys-in-front'),
])
def test_pipelines_that_are_refused(pipeline, said):
    """The message says what to change. Uploads would fail, be left to stock s3api, or destroy objects."""
    with pytest.raises(ConfigError) as refused:
        check(stages(pipeline))

    assert said in str(refused.value)
    assert '(%s)' % pipeline in str(refused.value) or str(refused.value).endswith(': ' + pipeline)


CONF = """
[pipeline:main]
pipeline = %s

[app:proxy-server]
use = egg:swift#proxy

[filter:s3api]
use = egg:%s#s3api

[filter:multi]
use = egg:s3multi#s3multi

[filter:tempauth]
use = egg:swift#tempauth

[filter:slo]
use = egg:swift#slo
""" + ''.join('[filter:%s]\nuse = egg:swift#%s\n' % (name, name) for name in (
    'catch_errors', 'gatekeeper', 'listing_formats', 'copy', 'dlo', 'versioned_writes'))


@pytest.mark.parametrize('package, module', [('s3multi', 's3multi.filters.s3api'),
                                             ('swift', 'swift.common.middleware.s3api.s3api')])
def test_stages_of_a_configuration(tmp_path, package, module):
    """Swift and s3multi both have an entry point s3api. The module of the factory tells which one it is."""
    conf = tmp_path / 'proxy-server.conf'
    conf.write_text(CONF % ('s3api tempauth multi slo proxy-server', package))
    read = read_stages(str(conf))

    assert [module, 'swift.common.middleware.tempauth', 's3multi.filters.s3multi', 'swift.common.middleware.slo'] == [
        stage.module for stage in read if not stage.added]


@pytest.mark.parametrize('pipeline, final', [
    ('s3api tempauth multi slo', 'catch_errors+ gatekeeper+ listing_formats+ s3api tempauth copy+ dlo+ multi slo '
     'versioned_writes+'),
    ('s3api tempauth multi copy slo', 'catch_errors+ gatekeeper+ listing_formats+ s3api tempauth multi copy dlo+ slo '
     'versioned_writes+'),
    ('catch_errors gatekeeper listing_formats s3api tempauth multi copy slo dlo versioned_writes',
     'catch_errors gatekeeper listing_formats s3api tempauth multi copy slo dlo versioned_writes'),
], ids=['all-missing', 'copy-there', 'none-missing'])
def test_filters_that_swift_adds(tmp_path, pipeline, final):
    """Swift adds what its proxy cannot do without, at a place of its own choice. That pipeline is the one that counts.
    """
    conf = tmp_path / 'proxy-server.conf'
    conf.write_text(CONF % (pipeline + ' proxy-server', 's3multi'))

    assert final == ' '.join(stage.name + '+' * stage.added for stage in read_stages(str(conf)))


def test_a_filter_that_swift_adds_on_the_wrong_side(tmp_path):
    """Without copy and dlo in the file, Swift adds dlo to the left of s3multi. The message says what to do."""
    conf = tmp_path / 'proxy-server.conf'
    conf.write_text(CONF % ('s3api tempauth multi slo proxy-server', 's3multi'))
    with pytest.raises(ConfigError) as refused:
        check(read_stages(str(conf)))

    assert 'dlo has to stand to the right of s3multi in the pipeline (catch_errors gatekeeper' in str(refused.value)
    assert str(refused.value).endswith('The file lacks it, so Swift has added it there: write it where it has to '
                                       'stand.')


def test_a_configuration_is_checked_as_it_is_written(tmp_path):
    """A file passes or fails the check whatever its sections are called."""
    conf = tmp_path / 'proxy-server.conf'
    conf.write_text(CONF % ('s3api tempauth multi copy slo proxy-server', 's3multi'))
    check(read_stages(str(conf)))
    conf.write_text(CONF % ('s3api tempauth multi copy slo proxy-server', 'swift'))

    with pytest.raises(ConfigError):
        check(read_stages(str(conf)))


def test_a_configuration_without_filters(tmp_path):
    """An app alone has no stages."""
    conf = tmp_path / 'proxy-server.conf'
    conf.write_text('[app:main]\nuse = egg:swift#proxy\n')

    assert [] == read_stages(str(conf))


@pytest.mark.parametrize('parts, segments, size, accepted', [
    pytest.param(10000, 10000, 10000 * MAX_ENTRY_BYTES, True, id='just-enough'),
    pytest.param(10000, 9999, 10000 * MAX_ENTRY_BYTES, False, id='one-segment-less'),
    pytest.param(10000, 10000, 10000 * MAX_ENTRY_BYTES - 1, False, id='one-byte-less'),
    pytest.param(1000, 1000, 8 * 1024 * 1024, True, id='defaults-of-slo'),
    pytest.param(10000, 1000, 8 * 1024 * 1024, False, id='defaults-of-slo-and-of-s3'),
])
def test_limits_of_slo(parts, segments, size, accepted):
    """Otherwise a client would learn only at Complete that it has uploaded more parts than the cluster allows."""
    slo = {'max_manifest_segments': segments, 'max_manifest_size': size}
    if accepted:
        assert check_limits(slo, parts) is None
        return
    with pytest.raises(ConfigError) as refused:
        check_limits(slo, parts)

    assert 'max_manifest_segments = %d\nmax_manifest_size = %d\n' % (parts, parts * MAX_ENTRY_BYTES) in str(
        refused.value)


@pytest.mark.parametrize('version, tested', [
    ('2.34.0', True), ('2.9.1', True), ('%d.%d.99' % NEWEST_SWIFT, True), ('%d.%d.1.dev7' % NEWEST_SWIFT, True),
    ('unknown', True), ('%d.%d.0' % (NEWEST_SWIFT[0], NEWEST_SWIFT[1] + 1), False),
    ('%d.0.0' % (NEWEST_SWIFT[0] + 1), False),
])
def test_versions_of_swift(version, tested):
    """One that is newer than the newest that s3multi was tested with is worth a warning, and no refusal."""
    warning = untested_swift(version)

    assert (warning is None) == tested
    if warning:
        assert 'not tested with Swift %s' % version in warning and '%d.%d' % NEWEST_SWIFT in warning


@pytest.mark.parametrize('document', ['README.rst', 'doc/install.rst'])
def test_the_documents_name_the_newest_swift(document):
    """That is the newest release without a warning."""
    text = (Path(__file__).parents[3] / document).read_text()

    assert {'%d.%d' % NEWEST_SWIFT} == set(re.findall(r'2\.34 to (\d+\.\d+)', text))
