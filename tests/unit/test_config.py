# SPDX-License-Identifier: Apache-2.0
"""The options of [filter:s3multi]: which values they accept, and what a refusal tells the operator."""
import dataclasses
import difflib
import itertools

import pytest

from swift.common.middleware.s3api.s3api import S3ApiMiddleware
from swift.common.utils import TRUE_VALUES

from s3multi.config import (FRONT_OPTIONS, OPTIONS, ConfigError, Settings, check_default_names, check_front_names, load,
                            load_front)

INHERITED = {'min_segment_size': 5242880, 'max_upload_part_num': 10000}


def test_defaults():
    """No option is required. Sizes are those of s3api, whose defaults are those of Amazon S3."""
    assert Settings(min_segment_size=5242880, max_upload_part_num=10000, storage_policy='', verify='listing',
                    missing_part_patience=3.0, heartbeat_interval=10.0, marker_recheck_after=5.0,
                    delete_concurrency=20, immediate_deletes=100, initiate_for_release='0.2',
                    list_stock_uploads=True, free_replaced_parts=True, abort_waits=False, audit_log=True,
                    abort_uploads_after_days=None, abort_uploads_within_days=None,
                    expiring_objects_account_name='', expiring_objects_container_divisor=None) == load({}, INHERITED)


# Option, text, value; None if the text is refused.
VALUES = [
    ('initiate_for_release', '0.1', '0.1'), ('initiate_for_release', '0.2', '0.2'), ('initiate_for_release', '1', None),
    ('min_segment_size', '1', 1), ('min_segment_size', '5368709120', 5368709120), ('min_segment_size', ' 5 ', 5),
    ('min_segment_size', '0', None), ('min_segment_size', '5368709121', None), ('min_segment_size', '-1', None),
    ('min_segment_size', '', None), ('min_segment_size', '5M', None), ('min_segment_size', '1.5', None),
    ('min_segment_size', '9' * 5000, None),
    ('max_upload_part_num', '1', 1), ('max_upload_part_num', '10000', 10000), ('max_upload_part_num', '0', None),
    ('max_upload_part_num', '10001', None),
    ('verify', 'head', 'head'), ('verify', 'listing', 'listing'), ('verify', 'HEAD', None), ('verify', '', None),
    ('immediate_deletes', '0', 0), ('immediate_deletes', '10001', None),
    ('list_stock_uploads', 'true', True), ('list_stock_uploads', 'False', False), ('list_stock_uploads', 'no', False),
    ('list_stock_uploads', 'on', True), ('list_stock_uploads', '2', None),
    ('list_stock_uploads', '', None), ('list_stock_uploads', 'maybe', None),
    ('expiring_objects_container_divisor', '3600', 3600), ('expiring_objects_container_divisor', '100', None),
    ('expiring_objects_account_name', 'later', 'later'),
    *((name, *row) for name in ('abort_uploads_after_days', 'abort_uploads_within_days') for row in (
        ('1', 1), ('36500', 36500), ('0', None), ('36501', None), ('7d', None), ('', None))),
    ('storage_policy', 'gold', 'gold'), ('storage_policy', ' gold ', 'gold'), ('storage_policy', '', ''),
    ('missing_part_patience', '0', 0.0), ('missing_part_patience', '1.5', 1.5), ('missing_part_patience', '30', 30.0),
    ('missing_part_patience', '31', None), ('missing_part_patience', '-1', None),
    ('missing_part_patience', 'nan', None), ('missing_part_patience', 'inf', None),
    ('missing_part_patience', 'soon', None),
    ('heartbeat_interval', '0.1', 0.1), ('heartbeat_interval', '60', 60.0), ('heartbeat_interval', '0', None),
    ('heartbeat_interval', 'nan', None), ('heartbeat_interval', '60.1', None),
    ('marker_recheck_after', '0', 0.0), ('marker_recheck_after', '3600', 3600.0),
    ('marker_recheck_after', '3601', None),
    ('delete_concurrency', '1', 1), ('delete_concurrency', '100', 100), ('delete_concurrency', '0', None),
    ('delete_concurrency', '101', None),
]


@pytest.mark.parametrize('name, text, value', [
    pytest.param(*row, id='%s=%s' % (row[0], row[1][:12])) for row in VALUES])
def test_values(name, text, value):
    """A value in range is read. The refusal of any other names section, option, text, and what was expected."""
    if value is not None:
        assert value == getattr(load({name: text}, INHERITED), name)
        return
    with pytest.raises(ConfigError) as refused:
        load({name: text}, INHERITED)

    expected = next(option.expected for option in OPTIONS if option.name == name)
    assert '[filter:s3multi] %s = %s: expected %s' % (name, text, expected) == str(refused.value)


@pytest.mark.parametrize('name', ['min_segment_sizes', 'Min_Segment_Size', 'slo_bulk_threads', 'log', ''])
def test_unknown_names_are_refused(name):
    """A misspelt option would do nothing, unnoticed. The message lists the options that exist."""
    with pytest.raises(ConfigError) as refused:
        load({name: '1'}, INHERITED)

    assert '[filter:s3multi] has no option %r' % name in str(refused.value)
    assert all(option.name in str(refused.value) for option in OPTIONS)


@pytest.mark.parametrize('name', [option.name for option in FRONT_OPTIONS])
def test_options_of_the_other_section(name):
    """The refusal tells where the option belongs."""
    with pytest.raises(ConfigError) as refused:
        load({name: 'stock'}, INHERITED)

    assert '[filter:s3multi] has no option %r: it belongs into [filter:s3api]' % name == str(refused.value)


@pytest.mark.parametrize('word', sorted(TRUE_VALUES))
def test_words_for_true(word):
    """They are those of Swift, in any case."""
    assert load({'list_stock_uploads': word.upper()}, INHERITED).list_stock_uploads


@pytest.mark.parametrize('word', ['false', 'no', 'off', 'f', 'n', '0'])
def test_words_for_false(word):
    """They are the opposites. What is neither is refused, where Swift takes it for false."""
    assert not load({'list_stock_uploads': word.upper()}, INHERITED).list_stock_uploads


@pytest.mark.parametrize('name', ['use', '__file__', '__name__', 'here', 'log_level', 'log_statsd_host'])
def test_names_of_pastedeploy_and_of_logging_are_accepted(name):
    """Every section of a filter may have them."""
    assert load({}, INHERITED) == load({name: 'x'}, INHERITED)


@pytest.mark.parametrize('name', sorted(INHERITED))
def test_what_s3api_says_is_the_default(name):
    """Both filters have these two options; in [filter:s3multi] they override those of s3api."""
    assert 7 == getattr(load({}, {**INHERITED, name: 7}), name)
    assert 8 == getattr(load({name: '8'}, {**INHERITED, name: 7}), name)


@pytest.mark.parametrize('name', sorted(INHERITED))
def test_what_s3api_says_is_checked_too(name):
    """The message names the section in which the value stands."""
    with pytest.raises(ConfigError) as refused:
        load({}, {**INHERITED, name: 0})

    assert str(refused.value).startswith('[filter:s3api] %s = 0: expected ' % name)


def test_every_setting_has_an_option_and_every_option_a_reason():
    """The documentation shows the table: default, unit and reason."""
    assert [field.name for field in dataclasses.fields(Settings)] == [option.name for option in OPTIONS]
    assert all(option.unit and option.reason and option.expected for option in OPTIONS)


@pytest.mark.parametrize('option', [pytest.param(option, id=option.name) for option in OPTIONS if option.default])
def test_a_default_is_a_value_that_may_be_written(option):
    """The defaults in the documentation can be copied into the configuration."""
    assert option.default == option.cast(str(option.default))


@pytest.mark.parametrize('written, options', [
    pytest.param({}, {}, id='none'),
    pytest.param({'expiring_objects_account_name': 'later', 'expiring_objects_container_divisor': '3600'},
                 {'expiring_objects_account_name': 'later', 'expiring_objects_container_divisor': '3600'}, id='both'),
    pytest.param({'expiring_objects_account_name': ''}, {}, id='empty'),
])
def test_options_of_the_expirer(written, options):
    """They are text, as Swift's code takes them, and only those that are set, so that Swift's own defaults apply."""
    assert options == load(written, INHERITED).expirer_options


@pytest.mark.parametrize('conf, who', [
    ({}, 's3multi'), ({'multipart_initiate': 's3multi'}, 's3multi'), ({'multipart_initiate': ' stock '}, 'stock'),
    ({'location': 'here', 's3_acl': 'true'}, 's3multi'),
], ids=str)
def test_who_begins_uploads(conf, who):
    """Of the options of [filter:s3api] ours are read; all others are those of Swift's s3api."""
    assert who == load_front(conf).multipart_initiate


@pytest.mark.parametrize('conf, scheme', [
    ({}, 'default'), *(({'location_scheme': word}, word) for word in ('default', 'http', 'https', 'forwarded'))],
    ids=str)
def test_scheme_of_a_location(conf, scheme):
    """The other option of [filter:s3api] that is ours."""
    assert scheme == load_front(conf).location_scheme


@pytest.mark.parametrize('text', ['', 'HTTPS', 'true', 'https://s3.example.com'])
def test_scheme_of_a_location_is_one_of_four(text):
    """Clients would follow a wrong URL."""
    with pytest.raises(ConfigError) as refused:
        load_front({'location_scheme': text})

    assert str(refused.value).startswith('[filter:s3api] location_scheme = %s: expected "default"' % text)


@pytest.mark.parametrize('text', ['', 'Stock', 's3api', 'true'])
def test_who_begins_uploads_is_one_of_two(text):
    """With a misspelt word the wrong kind of uploads would begin, unnoticed."""
    with pytest.raises(ConfigError) as refused:
        load_front({'multipart_initiate': text})

    assert '[filter:s3api] multipart_initiate = %s: expected "s3multi" or "stock"' % text == str(refused.value)


# The names in [filter:s3api]

class Asked(dict):
    """A section without options, which notes for which it was asked."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def get(self, name, default=None):
        self.names.add(name)
        return default


def asked_by_swift():
    """Return the names that Swift's s3api reads in its section, and its own configuration."""
    section = Asked()
    front = S3ApiMiddleware(None, section)
    return sorted(name for name in section.names if not name.startswith(('_', 'log_', 'statsd_'))), front.conf


@pytest.mark.parametrize('name', asked_by_swift()[0])
def test_every_option_of_swift_may_stand_in_its_section(name):
    """The names of this Swift are known, also where it keeps the value under another name."""
    assert check_front_names({name: 'x'}, asked_by_swift()[1]) is None


@pytest.mark.parametrize('name', ['use', 'log_level', 'multipart_initiate', 'location_scheme', 'some_other_option',
                                  'default_storage_policy', 'reseller_prefix'])
def test_names_that_pass(name):
    """So do ours, those of every filter, and what may be an option of another version of Swift."""
    assert check_front_names({name: 'x'}, asked_by_swift()[1]) is None


@pytest.mark.parametrize('name, meant', [
    ('multipart_initate', 'multipart_initiate'), ('Multipart_Initiate', 'multipart_initiate'),
    ('multi_part_initiate', 'multipart_initiate'), ('multipart-initiate', 'multipart_initiate'),
    ('location_schema', 'location_scheme'), ('min_segment_sise', 'min_segment_size'), ('s3acl', 's3_acl'),
    ('list_stock_upload', 'list_stock_uploads in [filter:s3multi]'),
])
def test_misspelt_names_are_refused(name, meant):
    """Swift's s3api would ignore them, and the operator would think that they count."""
    with pytest.raises(ConfigError) as refused:
        check_front_names({name: 'x'}, asked_by_swift()[1])

    assert '[filter:s3api] has no option %r: did you mean %s?' % (name, meant) == str(refused.value)


@pytest.mark.parametrize('name', sorted({option.name for option in OPTIONS} - set(INHERITED)))
def test_options_of_s3multi_in_the_section_of_s3api(name):
    """They would be ignored. Only the two that s3api has as well may stand there."""
    with pytest.raises(ConfigError) as refused:
        check_front_names({name: 'x'}, asked_by_swift()[1])

    assert '[filter:s3api] has no option %r: it belongs into [filter:s3multi]' % name == str(refused.value)


@pytest.mark.parametrize('name', sorted(option.name for option in OPTIONS))
def test_options_of_s3multi_in_the_default_section(name):
    """They would be ignored. Those that Swift has as well may stand there for its filters."""
    of_swift = {*INHERITED, 'storage_policy', 'delete_concurrency', 'expiring_objects_account_name',
                'expiring_objects_container_divisor'}
    if name in of_swift:
        assert check_default_names({name: 'x'}) is None
        return
    with pytest.raises(ConfigError) as refused:
        check_default_names({name: 'x'})

    assert '[DEFAULT] has no option %r: it belongs into [filter:s3multi]' % name == str(refused.value)


def test_no_two_options_are_alike():
    """Else one that is spelt right could be taken for another one, misspelt."""
    names = {option.name for option in (*OPTIONS, *FRONT_OPTIONS)} | set(asked_by_swift()[0])
    for one, other in itertools.combinations(sorted(names), 2):
        assert not difflib.get_close_matches(one, [other], cutoff=0.88)


def test_settings_cannot_be_changed():
    """They are read once, at start-up."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        load({}, INHERITED).delete_concurrency = 1
