# SPDX-License-Identifier: Apache-2.0
"""The options of ``[filter:s3multi]``, and those of ``[filter:s3api]`` that are ours.

``OPTIONS`` and ``FRONT_OPTIONS`` have name, default, unit and range of each, for the checks and for the documentation;
``load`` and ``load_front`` read a section into ``Settings`` and ``FrontSettings``.
"""
import difflib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from s3multi.s3.parts import MAX_PART_BYTES, MAX_PART_NUMBER


_MOST_DAYS = 36500


class ConfigError(ValueError):
    """An option that cannot be used; the text tells the operator what to write."""


@dataclass(frozen=True)
class Settings:
    """The options of ``[filter:s3multi]``, checked, as ``OPTIONS`` describes them.

    Sizes are in bytes, times in seconds. storage_policy: empty for that of the bucket.
    """

    min_segment_size: int
    max_upload_part_num: int
    storage_policy: str
    verify: str
    missing_part_patience: float
    heartbeat_interval: float
    marker_recheck_after: float
    delete_concurrency: int
    immediate_deletes: int
    initiate_for_release: str
    list_stock_uploads: bool
    free_replaced_parts: bool
    abort_waits: bool
    audit_log: bool
    abort_uploads_after_days: 'int | None'
    abort_uploads_within_days: 'int | None'
    expiring_objects_account_name: str
    expiring_objects_container_divisor: 'int | None'

    @property
    def expirer_options(self) -> 'dict[str, str]':
        """The options of the object expirer that the operator has set, under Swift's names."""
        options = {name: getattr(self, name) for name in ('expiring_objects_account_name',
                                                          'expiring_objects_container_divisor')}
        return {name: str(value) for name, value in options.items() if value}


@dataclass(frozen=True)
class FrontSettings:
    """The options of ``[filter:s3api]`` that are ours, checked."""

    multipart_initiate: str
    location_scheme: str


@dataclass(frozen=True)
class Option:
    """One option.

    default: None for an option without a default of its own. cast: returns the value of a text, or raises LookupError,
    ValueError or OverflowError. expected: the texts that are accepted, for error messages. unit, reason: for the
    documentation.
    """

    name: str
    default: Any
    cast: Callable[[str], Any]
    expected: str
    unit: str
    reason: str


def _integer(low: int, high: int) -> Callable[[str], int]:
    def cast(text: str) -> int:
        if not low <= int(text) <= high:
            raise ValueError
        return int(text)
    return cast


def _seconds(low: float, high: float) -> Callable[[str], float]:
    def cast(text: str) -> float:
        # "not <=" also refuses "nan".
        if not low <= float(text) <= high:
            raise ValueError
        return float(text)
    return cast


# Swift takes these for true, and everything else for false: also a word that was meant as true.
_TRUE, _FALSE = ('true', 'yes', 'on', 't', 'y', '1'), ('false', 'no', 'off', 'f', 'n', '0')
_WORDS_OF_BOOLEANS = '%s; or %s' % (', '.join(_TRUE), ', '.join(_FALSE))


def _boolean(text: str) -> bool:
    return {**dict.fromkeys(_TRUE, True), **dict.fromkeys(_FALSE, False)}[text.lower()]


def _choice(*words: str) -> Callable[[str], str]:
    def cast(text: str) -> str:
        if text not in words:
            raise ValueError
        return text
    return cast


OPTIONS = (
    Option('min_segment_size', None, _integer(1, MAX_PART_BYTES), 'an integer from 1 to %d' % MAX_PART_BYTES, 'bytes',
           'The least size of every part but the last. Unset: the value of [filter:s3api], by default 5242880 as on '
           'Amazon S3.'),
    Option('max_upload_part_num', None, _integer(1, MAX_PART_NUMBER), 'an integer from 1 to %d' % MAX_PART_NUMBER,
           'part number', 'The highest part number. Unset: the value of [filter:s3api], by default 10000 as on Amazon '
           'S3. The SLO filter has to admit manifests of so many parts.'),
    Option('storage_policy', '', str, 'the name of a storage policy', 'name',
           'The storage policy of new segments containers. Unset: that of the bucket.'),
    Option('verify', 'listing', _choice('listing', 'head'), '"listing" or "head"', 'word',
           'How a Complete proves the parts that a client lists. listing: by the rows of the segments container, which '
           'are always true because no attempt is ever overwritten. head: SLO also asks for every part. That finds '
           'parts that were removed behind s3multi\'s back, and costs one request per part.'),
    Option('missing_part_patience', 3.0, _seconds(0, 30), 'a number from 0 to 30', 'seconds',
           'How long a Complete keeps looking for a part that no listing shows before it answers InvalidPart. Listings '
           'of Swift may lag: more patience makes a wrong InvalidPart rarer, and a right one slower.'),
    Option('heartbeat_interval', 10.0, _seconds(0.1, 60), 'a number from 0.1 to 60', 'seconds',
           'How long a Complete waits before it sends white space, and between one white space and the next. Until the '
           'first one, an error has its own HTTP status. SDKs give up after 60 seconds of silence.'),
    Option('marker_recheck_after', 5.0, _seconds(0, 3600), 'a number from 0 to 3600', 'seconds',
           'An Upload Part that took longer than this asks once more whether its upload is still open.'),
    Option('delete_concurrency', 20, _integer(1, 100), 'an integer from 1 to 100', 'requests',
           'How many parts an Abort, or a Complete that leaves parts out, deletes at the same time.'),
    Option('immediate_deletes', 100, _integer(0, MAX_PART_NUMBER), 'an integer from 0 to %d' % MAX_PART_NUMBER, 'parts',
           'The most parts that an Abort deletes itself; for a Complete that leaves parts out the limit is at most '
           'five. If there are more, all are handed to the object expirer, in one request per 10000. With '
           'allow_async_delete = false in [filter:slo], none are handed over.'),
    Option('initiate_for_release', '0.2', _choice('0.2', '0.1'), '"0.2" or "0.1"', 'word',
           'For which release new uploads are made. 0.1: for proxies with s3multi 0.1, which can continue them then. '
           'Choose it for as long as there are such proxies.'),
    Option('list_stock_uploads', True, _boolean, _WORDS_OF_BOOLEANS, 'word',
           'Whether List Multipart Uploads also shows the uploads that Swift\'s own s3api began. They are looked for '
           'among the segments of all objects that it ever completed. Choose false once the last such upload has '
           'ended.'),
    Option('free_replaced_parts', True, _boolean, _WORDS_OF_BOOLEANS, 'word',
           'Whether S3 requests that replace or delete a multipart object free its parts. false: they behave like '
           'requests of the Swift API, which remove the manifest and leave the segments; so do S3 deletes.'),
    Option('abort_waits', False, _boolean, _WORDS_OF_BOOLEANS, 'word',
           'Whether an Abort answers only when its parts are deleted, or handed to the object expirer, and with 503 if '
           'one could not be. false: it answers as soon as no Complete can succeed any more, and the parts follow.'),
    Option('audit_log', True, _boolean, _WORDS_OF_BOOLEANS, 'word',
           'Whether the log has a line for each Complete and each Abort, at the level INFO: who did what to which '
           'upload.'),
    Option('abort_uploads_after_days', None, _integer(1, _MOST_DAYS), 'an integer from 1 to %d' % _MOST_DAYS, 'days',
           'After how many days the sweep aborts uploads that nobody ends, and to which no lifecycle rule of their '
           'bucket applies. Unset: never. The sweep reads it in its own file.'),
    Option('abort_uploads_within_days', None, _integer(1, _MOST_DAYS), 'an integer from 1 to %d' % _MOST_DAYS, 'days',
           'After how many days the sweep aborts uploads at the latest, whatever the rules of their bucket say. Unset: '
           'rules may have any number. The sweep reads it in its own file.'),
    Option('expiring_objects_account_name', '', str, 'the name of an account', 'name',
           'Set this only where object-server.conf sets it, to the same value.'),
    Option('expiring_objects_container_divisor', None, _integer(101, 10 ** 9), 'an integer from 101', 'seconds',
           'Set this only where object-server.conf sets it, to the same value.'),
)

# The options of ours in [filter:s3api]; all others there are Swift's.
FRONT_OPTIONS = (
    Option('multipart_initiate', 's3multi', _choice('s3multi', 'stock'), '"s3multi" or "stock"', 'word',
           'Who begins new multipart uploads. stock: Swift\'s own s3api, whose uploads proxies without s3multi can '
           'continue. Choose it for as long as there are such proxies.'),
    # Its words are those of storage_url_scheme of tempauth, and one more.
    Option('location_scheme', 'default', _choice('default', 'http', 'https', 'forwarded'),
           '"default", "http", "https" or "forwarded"', 'word',
           'The scheme in the Location that a Complete answers. default: that of the connection to the proxy server. '
           'forwarded: that in X-Forwarded-Proto, and the host in X-Forwarded-Host, each where it is sent. Choose it '
           'only if something in front of the proxy server sets or removes these headers.'),
)

# Set by PasteDeploy and Swift for every filter.
_COMMON_NAMES = ('__file__', '__name__', 'here', 'use')
# Options of ours that filters or servers of Swift have as well.
_OF_SWIFT = ('min_segment_size', 'max_upload_part_num', 'storage_policy', 'delete_concurrency',
             'expiring_objects_account_name', 'expiring_objects_container_divisor')
# s3api keeps the option storage_domain under another name.
_NAMES_BESIDE = ('storage_domain',)
# How alike two names have to be (difflib) for one to be taken for the other, misspelt. No two names of options are.
_ALIKE = 0.88


def load(local_conf: Mapping[str, str], inherited: Mapping[str, int]) -> Settings:
    """Return the settings that ``local_conf``, the section ``[filter:s3multi]``, makes.

    inherited: options of s3api by name, which are the defaults of ours. Raises ConfigError for a name that is not an
    option, and for a value that is of the wrong kind or out of range.
    """
    known = {option.name: option for option in OPTIONS}
    front_names = [option.name for option in FRONT_OPTIONS]
    for name in _options_in(local_conf):
        if name in front_names:
            raise ConfigError('[filter:s3multi] has no option %r: it belongs into [filter:s3api]' % name)
        if name not in known:
            raise ConfigError('[filter:s3multi] has no option %r; it has: %s' % (name, ', '.join(sorted(known))))
    values = {}
    for name, option in known.items():
        if name in local_conf:
            values[name] = _read(option, '[filter:s3multi]', local_conf[name])
        elif name in inherited:
            values[name] = _read(option, '[filter:s3api]', str(inherited[name]))
        else:
            values[name] = option.default
    return Settings(**values)


def check_default_names(defaults: Mapping[str, str]) -> None:
    """Raise ConfigError for an option of ours in ``defaults``, the section ``[DEFAULT]``, where nobody would read it.

    What filters of Swift read as well may stand there for them.
    """
    for option in OPTIONS:
        if option.name in defaults and option.name not in _OF_SWIFT:
            raise ConfigError('[DEFAULT] has no option %r: it belongs into [filter:s3multi]' % option.name)


def load_front(conf: Mapping[str, str]) -> FrontSettings:
    """Return the settings that ``conf``, the section ``[filter:s3api]``, makes; the options of Swift are ignored.

    Raises ConfigError for a value that is of the wrong kind.
    """
    return FrontSettings(**{option.name: _read(option, '[filter:s3api]', conf[option.name])
                            if option.name in conf else option.default for option in FRONT_OPTIONS})


def check_front_names(local_conf: Mapping[str, str], of_swift: Collection[str]) -> None:
    """Raise ConfigError for an option in ``local_conf``, the section ``[filter:s3api]``, that nobody would read.

    of_swift: the options that Swift's s3api reads. What is none of them, and not like any, may be for another version
    of Swift, and is left to it, as it is without s3multi.
    """
    ours = [option.name for option in FRONT_OPTIONS]
    known = {*ours, *of_swift, *_NAMES_BESIDE}
    elsewhere = {option.name for option in OPTIONS} - known
    for name in _options_in(local_conf):
        if name in known:
            continue
        like = difflib.get_close_matches(name.lower().replace('-', '_'), sorted({*known, *elsewhere}), 1, _ALIKE)
        if name in elsewhere:
            raise ConfigError('[filter:s3api] has no option %r: it belongs into [filter:s3multi]' % name)
        if like:
            raise ConfigError('[filter:s3api] has no option %r: did you mean %s%s?' % (
                name, like[0], ' in [filter:s3multi]' if like[0] in elsewhere else ''))


def _options_in(section: Mapping[str, str]) -> 'list[str]':
    return [name for name in section if name not in _COMMON_NAMES and not name.startswith(('log_', 'statsd_'))]


def _read(option: Option, section: str, text: str) -> Any:
    try:
        return option.cast(text.strip())
    except (LookupError, ValueError, OverflowError):
        raise ConfigError('%s %s = %s: expected %s' % (section, option.name, text, option.expected)) from None
