# SPDX-License-Identifier: Apache-2.0
"""The self-test at start-up: it passes with every supported Swift, and names what another s3api would do differently.
"""
import ast
from pathlib import Path

import pytest
from swift.common.middleware.s3api import s3request, s3response
from swift.common.middleware.s3api.controllers import ObjectController

import s3multi.filters
from s3multi.config import ConfigError
from s3multi.filters import self_test
from s3multi.filters.s3api import S3MultiFront, _Unnamed, filter_factory
from tests import next_swift

SOURCES = sorted(Path(s3multi.filters.__file__).parent.glob('*.py'))


def unreachable(env, start_response):
    """Fail the test: the self-test sends nothing on."""
    raise AssertionError(env['PATH_INFO'])


def front(**options):
    """Return the filter s3api with these options."""
    return S3MultiFront(_Unnamed(unreachable), options)


def refusal():
    """Return what the self-test says of this s3api."""
    with pytest.raises(ConfigError) as refused:
        self_test.check(front(), True)
    return str(refused.value)


@pytest.mark.parametrize('options', [
    {}, {'s3_acl': 'true'}, {'location': 'EU-West'}, {'storage_domain': 'example.com'},
    {'dns_compliant_bucket_names': 'false'}, {'multipart_initiate': 'stock'}, {'check_bucket_owner': 'true'},
    {'force_swift_request_proxy_log': 'true'}, {'allowable_clock_skew': '1'},
], ids=str)
def test_this_swift_passes(options):
    """Whatever the options of s3api are, and without a request to the pipeline."""
    tested = front(**options)

    assert self_test.check(tested, tested.initiates) is None


@pytest.mark.parametrize('name', ['SlowDown', 'InvalidPartArgument'])
def test_an_error_that_is_gone(monkeypatch, name):
    """It would be missed only when a client is to be told of it."""
    monkeypatch.delattr(s3response, name)

    assert 'it has no %s.' % name in refusal()


@pytest.mark.parametrize('name, said', [
    ('to_swift_req', 'Initiate does not reach s3multi but is answered with 500'),
    ('signature_does_not_match_kwargs', 'a request that auth refuses is answered with 500'),
    ('validate_part_number', 'a read of one part is answered with 500'),
])
def test_a_method_that_is_gone(monkeypatch, name, said):
    """Clients would get a 500."""
    for kind in (s3request.S3Request, s3request.SigV4Mixin):
        if name in vars(kind):
            monkeypatch.delattr(kind, name)

    assert said in refusal()


def test_a_checksum_that_is_not_found(monkeypatch):
    """The part would be stored without the checksum that its client sent behind the body."""
    if not hasattr(s3request, 'StreamingInput'):
        pytest.skip('this Swift reads no such body')
    monkeypatch.setattr('s3multi.filters.s3api._trailer_of', lambda req: None)

    assert 'the checksum behind a body is not found' in refusal()


def test_reads_of_parts_that_are_not_noticed(monkeypatch):
    """A read of one part of an object has to be recognised as one."""
    monkeypatch.setattr(s3request.S3Request, 'validate_part_number', lambda req, **options: None)

    assert 'a read of one part' in refusal()


def test_multipart_requests_that_s3api_answers_itself(monkeypatch):
    """Nothing would be handed on to s3multi, unnoticed."""
    monkeypatch.setattr(s3request.SigV4Request, 'controller', ObjectController)

    assert 'does not reach s3multi' in refusal()


def test_multipart_requests_that_are_switched_off():
    """s3api answers 501 to all of them."""
    with pytest.raises(ConfigError) as refused:
        self_test.check(front(allow_multipart_uploads='false'), True)

    assert 'In [filter:s3api] remove allow_multipart_uploads = false' in str(refused.value)


# Swift's branch feature/mpu

def test_native_uploads_are_switched_off(monkeypatch):
    """They are on by default. Unless the operator has said something else, the filter says no."""
    next_swift.imitate(monkeypatch)

    made = filter_factory({})(unreachable)

    assert made.conf.enable_native_multipart_uploads is False


@pytest.mark.parametrize('everywhere', [False, True], ids=['filter', 'default'])
@pytest.mark.parametrize('word', ['true', 'on', '1'])
def test_native_uploads_that_the_operator_wants(monkeypatch, word, everywhere):
    """The refusal has the line to write, also where the section [DEFAULT] has them on."""
    next_swift.imitate(monkeypatch)
    conf = {next_swift.OPTION: word}
    with pytest.raises(ConfigError) as refused:
        (filter_factory(conf) if everywhere else filter_factory({}, **conf))(unreachable)

    assert str(refused.value).endswith('In [filter:s3api] write:\nenable_native_multipart_uploads = false')


def test_controllers_that_are_not_known(monkeypatch):
    """Nothing would reach s3multi, whatever the option says. The refusal has the lines to go on without s3multi."""
    next_swift.imitate(monkeypatch, always=True)
    with pytest.raises(ConfigError) as refused:
        filter_factory({})(unreachable)

    assert 'Initiate does not reach s3multi but is answered with 501 by its NativeUploadsController' in str(
        refused.value)
    assert 'write in [filter:s3api]:\nuse = egg:swift#s3api\n' in str(refused.value)


def test_the_self_test_knows_every_error():
    """Each name of ``s3response`` in the package is in its list."""
    used = {node.attr for path in SOURCES for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == 's3response'}

    assert used == set(self_test.NAMES)
