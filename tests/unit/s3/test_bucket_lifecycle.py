# SPDX-License-Identifier: Apache-2.0
"""The lifecycle configuration of a bucket: what is accepted and comes back as it was, and what is refused, and how."""
import base64
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3multi.s3.bucket_lifecycle import (MAX_BYTES, OTHER_ACTIONS, Form, Lifecycle, Rule, lifecycle_document,
                                         read_lifecycle)
from s3multi.s3.documents import DECLARATION, NAMESPACE
from s3multi.s3.errors import S3Error
from tests.examples import examples
from tests.unit.s3.test_documents import entity_bomb

ABORT = '<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation></AbortIncompleteMultipartUpload>'
FILTER = '<Filter/>'


def rule(where=FILTER, action=ABORT, status='Enabled', rule_id='<ID>a</ID>'):
    """Return the text of a rule."""
    return '<Rule>%s%s<Status>%s</Status>%s</Rule>' % (rule_id, where, status, action)


def configuration(*rules, attributes=' xmlns="%s"' % NAMESPACE):
    """Return the text of a request document."""
    return '<LifecycleConfiguration%s>%s</LifecycleConfiguration>' % (attributes, ''.join(rules) or rule())


def read(text, headers=()):
    """Return the rules in a body, or code and message of the error."""
    try:
        return list(read_lifecycle(text.encode() if isinstance(text, str) else text, dict(headers)).rules)
    except S3Error as error:
        return error.code, error.message


MALFORMED = read('')


# What clients send

WIRE_FORMS = {
    'aws-cli': (configuration('<Rule><ID>a</ID><Filter><Prefix>logs/</Prefix></Filter><Status>Enabled</Status>%s'
                              '</Rule>' % ABORT), Rule('a', 'logs/', 7)),
    # The SDK for Go writes elements in the order of the alphabet.
    'terraform': (configuration('<Rule>%s<Filter><Prefix>logs/</Prefix></Filter><ID>a</ID><Status>Enabled</Status>'
                                '</Rule>' % ABORT), Rule('a', 'logs/', 7)),
    'terraform, empty filter': (configuration(
        '<Rule>%s<Filter></Filter><ID>a</ID><Status>Disabled</Status></Rule>' % ABORT),
        Rule('a', '', 7, False, Form.EMPTY)),
    'terraform, empty prefix': (configuration(
        '<Rule>%s<Filter><Prefix></Prefix></Filter><ID>a</ID><Status>Enabled</Status></Rule>' % ABORT),
        Rule('a', '', 7)),
    'terraform 4, and': (configuration(
        '<Rule>%s<Filter><And><Prefix>x</Prefix></And></Filter><ID>a</ID><Status>Enabled</Status></Rule>' % ABORT),
        Rule('a', 'x', 7, True, Form.AND)),
    's3cmd and old SDKs': (configuration(
        '<Rule><ID>a</ID><Prefix>logs/</Prefix><Status>Enabled</Status>%s</Rule>' % ABORT, attributes=''),
        Rule('a', 'logs/', 7, True, Form.RULE)),
    'by hand': ('\n'.join([DECLARATION.decode(), configuration('\n  ' + rule('<Filter>\n</Filter>').replace(
        '>7<', '> 7\n<') + '\n')]), Rule('a', '', 7, True, Form.EMPTY)),
}


@pytest.mark.parametrize('body, expected', WIRE_FORMS.values(), ids=WIRE_FORMS)
def test_documents_of_clients(body, expected):
    """Each is read, and comes back in the form that its client expects."""
    assert [expected] == read(body)
    assert [expected] == read(lifecycle_document(read_lifecycle(body.encode(), {})))


def test_the_document_of_a_configuration():
    """Its elements are in the order in which Amazon S3 was seen to write them."""
    lifecycle = Lifecycle((Rule('a', 'x/', 1), Rule('b', '', 2, False, Form.EMPTY), Rule('c', 'é', 3, True, Form.AND)))
    days = ('<AbortIncompleteMultipartUpload><DaysAfterInitiation>%d</DaysAfterInitiation>'
            '</AbortIncompleteMultipartUpload></Rule>')

    assert (
        '<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        '<Rule><ID>a</ID><Filter><Prefix>x/</Prefix></Filter><Status>Enabled</Status>' + days % 1
        + '<Rule><ID>b</ID><Filter></Filter><Status>Disabled</Status>' + days % 2
        + '<Rule><ID>c</ID><Filter><And><Prefix>é</Prefix></And></Filter><Status>Enabled</Status>' + days % 3
        + '</LifecycleConfiguration>').encode() == lifecycle_document(lifecycle).removeprefix(DECLARATION)


@pytest.mark.parametrize('rule_id', ['', '<ID/>', '<ID></ID>'])
def test_a_rule_without_an_id(rule_id):
    """It gets one, of the form that Amazon S3 was seen to make, and another one each time."""
    made = {read(configuration(rule(rule_id=rule_id)))[0].id for _ in range(2)}

    assert 2 == len(made)
    assert all(4 == uuid.UUID(base64.b64decode(each).decode()).version for each in made)


def test_as_many_rules_as_amazon_takes():
    """A thousand, with filters that overlap as they like."""
    rules = [rule('<Filter><Prefix>%s</Prefix></Filter>' % ('a' * (number % 9)), rule_id='<ID>%d</ID>' % number)
             for number in range(1001)]

    assert 1000 == len(read(configuration(*rules[:1000])))
    assert MALFORMED == read(configuration(*rules))
    assert len(configuration(*rules[:1000])) < MAX_BYTES


any_text = st.text(st.characters(exclude_categories=('Cs', 'Cc'), exclude_characters='\ufffe\uffff'), max_size=20)


@examples(3)
@given(st.lists(st.builds(Rule, st.text('ab é/&<>"\'', min_size=1, max_size=8), any_text,
                          st.integers(1, 2 ** 31 - 1), st.booleans(),
                          st.sampled_from([Form.EMPTY, Form.FILTER, Form.AND])),
                min_size=1, max_size=5, unique_by=lambda each: each.id))
def test_what_was_written_is_read(rules):
    """Whatever is in a name or prefix, and in which form."""
    rules = [Rule(each.id, '', each.days, each.enabled, each.form) if each.form is Form.EMPTY else each
             for each in rules]

    assert rules == read(lifecycle_document(Lifecycle(tuple(rules))))


@pytest.mark.parametrize('sent, kept', [
    ({}, 'all_storage_classes_128K'), *(({'x-amz-transition-default-minimum-object-size': word}, word) for word in (
        'all_storage_classes_128K', 'varies_by_storage_class'))])
def test_the_size_for_transitions(sent, kept):
    """It is kept, because Terraform waits until it reads what it has sent."""
    assert kept == read_lifecycle(configuration().encode(), sent).minimum_size


# What is refused

@pytest.mark.parametrize('action', OTHER_ACTIONS)
@pytest.mark.parametrize('more', ['', ABORT])
@pytest.mark.parametrize('where', [FILTER, '<Filter><Tag><Key>a</Key><Value>b</Value></Tag></Filter>'])
def test_other_actions(action, more, where):
    """They are named: no rule may seem to be in force of which nothing is done."""
    text = '%s<%s><Days>1</Days></%s>' % (more, action, action)

    assert ('NotImplemented', 'The action %s of lifecycle rules is not implemented' % action) == read(
        configuration(rule(), rule(where, text, rule_id='<ID>b</ID>')))


TAG, SIZE = '<Tag><Key>a</Key><Value>b</Value></Tag>', '<ObjectSizeGreaterThan>1</ObjectSizeGreaterThan>'
NO_TAGS = 'InvalidRequest', 'AbortIncompleteMultipartUpload cannot be specified with Tags.'
NO_SIZES = 'InvalidRequest', 'AbortIncompleteMultipartUpload cannot be specified with Object Size.'


@pytest.mark.parametrize('inner, refused', [
    (TAG, NO_TAGS), ('<And><Prefix>a</Prefix>%s</And>' % TAG, NO_TAGS), ('<And>%s%s</And>' % (TAG, TAG), NO_TAGS),
    (SIZE, NO_SIZES), (SIZE.replace('Greater', 'Less'), NO_SIZES), ('<And><Prefix/>%s</And>' % SIZE, NO_SIZES),
    ('<Prefix>a</Prefix>' + TAG, MALFORMED), ('<Prefix>a</Prefix><Prefix>b</Prefix>', MALFORMED),
    ('<And/>', MALFORMED), ('<And><Prefix/><Prefix/></And>', MALFORMED), ('<And><And/></And>', MALFORMED),
    ('<Suffix>a</Suffix>', MALFORMED), ('a', MALFORMED), ('<Prefix><a/></Prefix>', MALFORMED)])
def test_filters(inner, refused):
    """An upload has neither tags nor a size yet. The errors are those of Amazon S3."""
    assert refused == read(configuration(rule('<Filter>%s</Filter>' % inner)))


def days(text):
    return ABORT.replace('7', text)


NOT_POSITIVE = ('InvalidArgument', "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive "
                                   'integer')


@pytest.mark.parametrize('text', [
    configuration(rule(FILTER + '<Prefix>a</Prefix>')), configuration(rule('')),
    configuration(rule(FILTER + FILTER)), configuration(rule(action=ABORT + ABORT)),
    configuration(rule(status='enabled')), configuration(rule(status='')), configuration(rule(status='<a/>')),
    configuration(rule(rule_id='<ID>a</ID><ID>b</ID>')), configuration(rule(FILTER + '<Other/>')),
    configuration('<Rule/>'), configuration('<Rules/>'), configuration('x'), configuration('x' + rule()),
    configuration(rule(action='<AbortIncompleteMultipartUpload/>')),
    configuration(rule(action=ABORT.replace('Days', 'Weeks'))),
    *(configuration(rule(action=days(number))) for number in (
        '', 'x', '1.5', '1_0', '2147483648', '9' * 5000, '٣', '<a/>')),
    '<LifecycleConfiguration/>', rule(), configuration().replace('LifecycleConfiguration', 'Other'),
    configuration(attributes=' xmlns="urn:x"'), configuration()[:-1], configuration() * 2, 'x', '',
    configuration(rule(rule_id='<ID>&e9;</ID>')).replace('<Life', entity_bomb() + '<Life', 1),
    configuration(rule(rule_id='<ID>&x;</ID>')), configuration('<Rule>' * 9 + '</Rule>' * 9),
    configuration(rule('<Filter>%s</Filter>' % ('<a/>' * 20000))), '<a>' * 300000,
], ids=lambda text: text[46:120])
def test_what_is_no_configuration(text):
    """Neither what is no XML, or hostile, nor what the schema of Amazon S3 does not admit."""
    assert MALFORMED == read(text) == ('MalformedXML', 'The XML you provided was not well-formed or did not validate '
                                       'against our published schema')


@pytest.mark.parametrize('rules, refused', [
    ([rule(action=days('0'))], NOT_POSITIVE), ([rule(action=days('-1'))], NOT_POSITIVE),
    ([rule(action='')], ('InvalidRequest', 'At least one action needs to be specified in a rule')),
    ([rule(rule_id='<ID>%s</ID>' % ('é' * 256))], ('InvalidArgument',
                                                   'ID length should not exceed allowed limit of 255')),
    ([rule(), rule('<Filter><Prefix>b</Prefix></Filter>')],
     ('InvalidArgument', 'Rule ID must be unique. Found same ID for more than one rule')),
])
def test_what_amazon_refuses(rules, refused):
    """With its codes and messages."""
    assert refused == read(configuration(*rules))


def old(prefix):
    """Return a rule of the older version of the API, named as its prefix."""
    return rule('<Prefix>%s</Prefix>' % prefix, rule_id='<ID>of %s</ID>' % prefix)


@pytest.mark.parametrize('rules, refused', [
    ([old('a'), rule()], 'Filter element can only be used in Lifecycle V2.'),
    ([rule(), old('a')], 'Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the '
                         'Filter.'),
    ([old('b'), old('a'), old('')], "Found overlapping prefixes '' and 'a' for same action type "
                                    "'AbortIncompleteMultipartUpload'"),
    ([old('a/c'), old('b'), old('a/')], "Found overlapping prefixes 'a/' and 'a/c' for same action type "
                                        "'AbortIncompleteMultipartUpload'"),
    ([old('a/'), old('b'), old('ab'), old('a-')], None)])
def test_rules_of_the_older_version(rules, refused):
    """They stand neither beside those of the newer one, nor over each other."""
    found = read(configuration(*rules))

    assert (len(rules) if refused is None else ('InvalidRequest', refused)) == (
        len(found) if refused is None else found)


def test_an_unknown_size_for_transitions():
    """It is refused before the document is read."""
    assert ('InvalidRequest', 'Invalid TransitionDefaultMinimumObjectSize found: x') == read(
        '', {'x-amz-transition-default-minimum-object-size': 'x'})
