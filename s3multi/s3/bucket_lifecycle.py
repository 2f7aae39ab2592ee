# SPDX-License-Identifier: Apache-2.0
"""The lifecycle configuration of a bucket, as a document: the rules that abort uploads which nobody ends.

https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html

Rules with other actions are refused, and never stored in part: a client that reads its rules back finds them as they
were. The errors are those that Amazon S3 was seen to answer, as far as its pages do not tell: for example in
terraform-aws-modules/terraform-aws-s3-bucket#109, aws/aws-sdk-go-v2#2874, hashicorp/terraform-provider-aws#23299.
"""
import base64
import enum
import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from s3multi.s3.documents import Element, Node, document, read_tree
from s3multi.s3.errors import InvalidArgument, InvalidRequest, MalformedXML, NotImplementedAction

ACTION = 'AbortIncompleteMultipartUpload'
OTHER_ACTIONS = ('Expiration', 'Transition', 'NoncurrentVersionExpiration', 'NoncurrentVersionTransition')
# Of these the document of a configuration may have as many bytes: 1000 rules with long names and prefixes.
MAX_BYTES = 1024 * 1024
MAX_RULES = 1000
_MAX_ID = 255
_MAX_DAYS = 2 ** 31 - 1
_ROOT = 'LifecycleConfiguration'
_SIZES = ('ObjectSizeGreaterThan', 'ObjectSizeLessThan')
_INTEGER = re.compile(r'[+-]?[0-9]{1,10}')

# Says to which objects a Transition applies. Without one it means nothing, but clients read it back and compare.
SIZE_HEADER = 'x-amz-transition-default-minimum-object-size'
_MINIMUM_SIZES = ('all_storage_classes_128K', 'varies_by_storage_class')


class Form(enum.Enum):
    """Where a rule has its prefix: of the ways to say the same, the client finds its own again."""

    RULE = 'Prefix'
    EMPTY = 'Filter'
    FILTER = 'Filter/Prefix'
    AND = 'Filter/And'


@dataclass(frozen=True)
class Rule:
    """Uploads of keys that begin with ``prefix`` are aborted ``days`` after their Initiate, if the rule is enabled."""

    id: str
    prefix: str
    days: int
    enabled: bool = True
    form: Form = Form.FILTER


@dataclass(frozen=True)
class Lifecycle:
    """A configuration. rules: in the order of the document. minimum_size: the value of ``SIZE_HEADER``."""

    rules: 'tuple[Rule, ...]'
    minimum_size: str = _MINIMUM_SIZES[0]


def read_lifecycle(body: bytes, headers: Mapping[str, str]) -> Lifecycle:
    """Return the configuration that a client has sent. headers: of the request, names in lower case.

    Raises MalformedXML, InvalidArgument or InvalidRequest as Amazon S3 does, and NotImplementedAction for an action of
    Amazon S3 that is not served here. A rule without an ID gets one.
    """
    minimum_size = headers.get(SIZE_HEADER, _MINIMUM_SIZES[0])
    if minimum_size not in _MINIMUM_SIZES:
        raise InvalidRequest('Invalid TransitionDefaultMinimumObjectSize found: %s' % minimum_size)
    root = read_tree(body)
    if root.name != _ROOT or not 0 < len(root.children) <= MAX_RULES:
        raise MalformedXML()
    rules = tuple(_rule(element) for element in root.children)
    _check_ids(rules)
    _check_forms(rules)
    return Lifecycle(rules, minimum_size)


def lifecycle_document(lifecycle: Lifecycle) -> bytes:
    """Return the document of a configuration, as it was sent, with the elements of a rule in the order of Amazon S3."""
    return document(_ROOT, [('Rule', [
        ('ID', rule.id), _where(rule), ('Status', 'Enabled' if rule.enabled else 'Disabled'),
        (ACTION, [('DaysAfterInitiation', str(rule.days))])]) for rule in lifecycle.rules])


def _where(rule: Rule) -> Node:
    prefix: Node = ('Prefix', rule.prefix)
    return {Form.RULE: prefix, Form.EMPTY: ('Filter', []), Form.FILTER: ('Filter', [prefix]),
            Form.AND: ('Filter', [('And', [prefix])])}[rule.form]


def _rule(element: Element) -> Rule:
    if element.name != 'Rule':
        raise MalformedXML()
    for child in element.children:
        if child.name in OTHER_ACTIONS:
            raise NotImplementedAction(child.name)
    parts = _by_name(element, ('ID', 'Prefix', 'Filter', 'Status', ACTION))
    if ('Prefix' in parts) is ('Filter' in parts):
        raise MalformedXML()
    status = _text(parts.get('Status'))
    if status not in ('Enabled', 'Disabled'):
        raise MalformedXML()
    form, prefix = (Form.RULE, _text(parts['Prefix'])) if 'Prefix' in parts else _filter(parts['Filter'])
    if ACTION not in parts:
        raise InvalidRequest('At least one action needs to be specified in a rule')
    rule_id = _text(parts.get('ID')) or base64.b64encode(str(uuid.uuid4()).encode()).decode()
    if len(rule_id) > _MAX_ID:
        raise InvalidArgument('ID', rule_id, 'ID length should not exceed allowed limit of %d' % _MAX_ID)
    return Rule(rule_id, prefix, _days(parts[ACTION]), status == 'Enabled', form)


def _filter(element: Element) -> 'tuple[Form, str]':
    """Return form and prefix of a filter. Raises InvalidRequest for one that does not go with the action."""
    if not element.children:
        if element.text.strip():
            raise MalformedXML()
        return Form.EMPTY, ''
    # Several belong into an And: aws/aws-sdk-go-v2#2874.
    if len(element.children) > 1:
        raise MalformedXML()
    inner = element.children[0]
    if inner.name == 'Prefix':
        return Form.FILTER, _text(inner)
    terms = inner.children if inner.name == 'And' else (inner,)
    for term in terms:
        if term.name == 'Tag':
            raise InvalidRequest('%s cannot be specified with Tags.' % ACTION)
        if term.name in _SIZES:
            raise InvalidRequest('%s cannot be specified with Object Size.' % ACTION)
    if inner.name != 'And' or not terms:
        raise MalformedXML()
    # Amazon S3 was seen to refuse an And of a prefix alone, as old versions of Terraform send it. It is clear enough.
    return Form.AND, _text(_by_name(inner, ('Prefix',))['Prefix'])


def _days(element: Element) -> int:
    text = _text(_by_name(element, ('DaysAfterInitiation',)).get('DaysAfterInitiation')).strip()
    if not _INTEGER.fullmatch(text) or int(text) > _MAX_DAYS:
        raise MalformedXML()
    if int(text) <= 0:
        raise InvalidArgument('DaysAfterInitiation', text,
                              "'DaysAfterInitiation' for %s action must be a positive integer" % ACTION)
    return int(text)


def _by_name(element: Element, allowed: Sequence[str]) -> 'dict[str, Element]':
    """Return the children by name. Raises MalformedXML if there is another one, or one twice."""
    children = {child.name: child for child in element.children}
    if len(children) < len(element.children) or not set(children) <= set(allowed):
        raise MalformedXML()
    return children


def _text(element: 'Element | None') -> str:
    if element is not None and element.children:
        raise MalformedXML()
    return element.text if element is not None else ''


def _check_ids(rules: Iterable[Rule]) -> None:
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise InvalidArgument('ID', rule.id, 'Rule ID must be unique. Found same ID for more than one rule')
        seen.add(rule.id)


def _check_forms(rules: Sequence[Rule]) -> None:
    """Raise InvalidRequest if rules of both versions of the API stand together, or if rules of the older one overlap.

    Filters may overlap: https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-conflicts.html
    """
    old = [rule.form is Form.RULE for rule in rules]
    if any(old) and not all(old):
        raise InvalidRequest('Filter element can only be used in Lifecycle V2.' if old[0] else
                             'Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the '
                             'Filter.')
    if not old[0]:
        return
    prefixes = sorted(rule.prefix for rule in rules)
    # What a prefix is the beginning of comes right after it.
    for one, other in zip(prefixes, prefixes[1:]):
        if other.startswith(one):
            raise InvalidRequest("Found overlapping prefixes '%s' and '%s' for same action type '%s'"
                                 % (one, other, ACTION))
