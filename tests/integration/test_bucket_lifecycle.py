# SPDX-License-Identifier: Apache-2.0
"""The lifecycle configuration of a bucket: set and read back, told to those who upload, done by the sweep."""

from __future__ import annotations

import base64
import datetime
import hashlib
import zlib

import pytest
from botocore.exceptions import ClientError

from s3multi.sweep.report import OK

from .raw import RawClient
from .s3api_features import needs_checksums
from .uploads import Upload, tiny_parts
from .users import account

DENIED = (403, 'AccessDenied')
NONE = (404, 'NoSuchLifecycleConfiguration')
LIFECYCLE = {'lifecycle': None}
METHODS = ('PUT', 'GET', 'DELETE')
SIZE = 'x-amz-transition-default-minimum-object-size'


def rule(rule_id='all', prefix='', days=1, status='Enabled'):
    """Return a rule as boto3 has it."""
    return {'ID': rule_id, 'Filter': {'Prefix': prefix}, 'Status': status,
            'AbortIncompleteMultipartUpload': {'DaysAfterInitiation': days}}


def set_rules(s3, bucket, *rules, **more):
    return s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={'Rules': list(rules)}, **more)


# As the SDK for Go writes it, with which Terraform sets it.
TERRAFORM = (b'<LifecycleConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Rule>'
             b'<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation>'
             b'</AbortIncompleteMultipartUpload><Filter><Prefix>logs/</Prefix></Filter><ID>a</ID>'
             b'<Status>Enabled</Status></Rule></LifecycleConfiguration>')
MD5 = {'Content-MD5': base64.b64encode(hashlib.md5(TERRAFORM).digest()).decode()}
CRC32 = {'x-amz-checksum-crc32': base64.b64encode(zlib.crc32(TERRAFORM).to_bytes(4, 'big')).decode(),
         'x-amz-sdk-checksum-algorithm': 'CRC32'}


def put(client, bucket, headers=MD5, body=TERRAFORM, **options):
    return client.request('PUT', bucket, None, LIFECYCLE, headers, body, **options)


def get(client, bucket):
    return client.request('GET', bucket, None, LIFECYCLE)


# Set and read back

def test_the_life_of_a_configuration(s3, bucket):
    """It is what was set last, whole, until it is deleted; where there is none, that succeeds too."""
    first = [rule(), rule('tmp', 'tmp/', 3, 'Disabled'), {**rule('both'), 'Filter': {}}]
    for rules in (first, [rule('other', 'é/&<>', 365)]):
        set_rules(s3, bucket, *rules)
        answer = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
        assert (rules, 'all_storage_classes_128K') == (answer['Rules'], answer['TransitionDefaultMinimumObjectSize'])

    for _ in range(2):
        assert 204 == s3.delete_bucket_lifecycle(Bucket=bucket)['ResponseMetadata']['HTTPStatusCode']
    with pytest.raises(ClientError) as none:
        s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    assert 'NoSuchLifecycleConfiguration' == none.value.response['Error']['Code']


@pytest.mark.parametrize('headers', [MD5, CRC32, {**MD5, SIZE: 'varies_by_storage_class'}], ids=['md5', 'crc', 'size'])
def test_as_terraform_sends_it(raw, bucket, headers):
    """It waits until it reads what it has sent, the size for transitions included, which PUT answers as well."""
    answers = [put(raw, bucket, headers), get(raw, bucket)]

    assert [200, 200] == [answer.status for answer in answers]
    assert 2 * [headers.get(SIZE, 'all_storage_classes_128K')] == [answer.headers[SIZE] for answer in answers]
    found = answers[1].xml('LifecycleConfiguration').findall('Rule')
    assert [('a', 'logs/', 'Enabled', '7')] == [
        tuple(each.findtext(path) for path in ('ID', 'Filter/Prefix', 'Status',
                                               'AbortIncompleteMultipartUpload/DaysAfterInitiation')) for each in found]


@needs_checksums
def test_a_body_in_chunks(raw, bucket):
    """As SDKs send one whose checksum follows it."""
    trailer = {'x-amz-checksum-crc32': CRC32['x-amz-checksum-crc32']}

    assert 200 == put(raw, bucket, {}, payload='unsigned-chunks-trailer', trailers=trailer).outcome
    assert 200 == get(raw, bucket).outcome


@pytest.mark.parametrize('headers, body, refused', [
    ({'Content-MD5': 'AAAAAAAAAAAAAAAAAAAAAA=='}, TERRAFORM, (400, 'BadDigest')),
    ({}, TERRAFORM.replace(b'7', b'0'), (400, 'InvalidArgument')), ({}, b'<x/>', (400, 'MalformedXML')),
    ({}, b'', (400, 'MalformedXML')), ({}, b' ' * 1048577, (400, 'MaxMessageLengthExceeded')),
    ({}, TERRAFORM.replace(b'<ID>', b'<Expiration><Days>1</Days></Expiration><ID>'), (501, 'NotImplemented')),
    ({SIZE: 'x'}, TERRAFORM, (400, 'InvalidRequest'))], ids=str)
def test_what_is_refused_changes_nothing(raw, bucket, headers, body, refused):
    """What there was stays in force."""
    assert 200 == put(raw, bucket).outcome

    assert refused == put(raw, bucket, headers, body).outcome
    assert 1 == len(get(raw, bucket).xml('LifecycleConfiguration').findall('Rule'))


def test_it_belongs_to_the_bucket(raw, s3, bucket, swift):
    """It stays when other metadata is set, no client of Swift sees it, and it goes with the bucket."""
    assert 200 == put(raw, bucket).outcome
    swift.post_container(bucket, {'X-Container-Meta-Colour': 'blue', 'X-Container-Sysmeta-S3multi-Lifecycle': 'x'})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={'Status': 'Enabled'})

    assert 200 == get(raw, bucket).outcome
    assert not [name for name in swift.head_container(bucket) if 'lifecycle' in name]
    s3.delete_bucket(Bucket=bucket)
    assert (404, 'NoSuchBucket') == get(raw, bucket).outcome
    s3.create_bucket(Bucket=bucket)
    assert NONE == get(raw, bucket).outcome


def test_as_much_as_fits(s3, bucket):
    """The header in which it is stored reaches the servers of Swift, and comes back."""
    rules = [rule(f'expire-uploads-of-team-{number:04}', f'teams/{number:04}/incoming/', 7 + number % 9)
             for number in range(1000)]
    set_rules(s3, bucket, *rules)

    assert rules == s3.get_bucket_lifecycle_configuration(Bucket=bucket)['Rules']
    s3.create_multipart_upload(Bucket=bucket, Key='key')


# Which request is meant

@pytest.mark.parametrize('method, key, query, refused', [
    ('POST', None, {}, (405, 'MethodNotAllowed')), ('PUT', 'key', {}, (501, 'NotImplemented')),
    ('DELETE', 'key', {}, (501, 'NotImplemented')), ('POST', 'key', {}, (501, 'NotImplemented')),
    *((method, None, {'acl': None}, (400, 'InvalidArgument')) for method in METHODS),
    *((method, None, {'uploads': None}, (400, 'InvalidArgument')) for method in METHODS)], ids=str)
def test_other_requests(raw, bucket, method, key, query, refused):
    """Neither the configuration nor bucket or object is touched."""
    assert 200 == put(raw, bucket).outcome

    assert refused == raw.request(method, bucket, key, {**LIFECYCLE, **query}, {}, TERRAFORM).outcome
    assert 200 == get(raw, bucket).outcome
    assert [] == [each.tag for each in raw.request('GET', bucket).xml('ListBucketResult').findall('Contents')]


def test_head(raw, bucket):
    """It is no request of S3, and has no body."""
    answer = raw.request('HEAD', bucket, None, LIFECYCLE)

    assert (405, 'GET, PUT, DELETE', b'') == (answer.status, answer.headers['Allow'], answer.body)


# Who may

@pytest.fixture
def shared(bucket, swift):
    """A bucket that another user of the account may read and write."""
    swift.post_container(bucket, {'X-Container-Read': 'test:tester3', 'X-Container-Write': 'test:tester3'})
    return bucket


@pytest.mark.parametrize('method', METHODS)
def test_the_owner_alone(cluster, raw, shared, method):
    """A right to read or write the bucket is none to see or change its configuration, and neither is one elsewhere."""
    assert 200 == put(raw, shared).outcome

    clients = [RawClient(cluster.url, *keys) for keys in (('test:tester3', 'testing3'), ('test2:tester2', 'testing2'))]
    body = TERRAFORM if method == 'PUT' else b''
    assert [DENIED, (404, 'NoSuchBucket')] == [
        client.request(method, shared, None, LIFECYCLE, {}, body).outcome for client in clients]
    assert 200 == get(raw, shared).outcome


@pytest.mark.parametrize('method', METHODS)
def test_an_owner_that_is_expected(raw, bucket, method):
    """The bucket of another owner is not touched."""
    body, headers = TERRAFORM if method == 'PUT' else b'', {'x-amz-expected-bucket-owner': 'other'}

    assert DENIED == raw.request(method, bucket, None, LIFECYCLE, headers, body).outcome
    assert (404, 'NoSuchBucket') == raw.request(method, bucket + 'x', None, LIFECYCLE, {}, body).outcome


# What it says of uploads

def midnight_after(days):
    """Return the time at which an upload of now is aborted after so many days."""
    today = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + datetime.timedelta(days=days + 1)


def test_uploads_are_told(s3, bucket):
    """Initiate and List Parts tell when and by which rule, from the moment at which it was set."""
    def told(key='logs/a'):
        begun = s3.create_multipart_upload(Bucket=bucket, Key=key)
        listed = s3.list_parts(Bucket=bucket, Key=key, UploadId=begun['UploadId'])
        return [(answer.get('AbortRuleId'), answer.get('AbortDate')) for answer in (begun, listed)]

    assert 2 * [(None, None)] == told()
    set_rules(s3, bucket, rule('logs after 7 days', 'logs/', 7), rule('tmp', 'tmp/', 1))
    before = midnight_after(7)
    assert told() in [2 * [('logs after 7 days', date)] for date in (before, midnight_after(7))]
    assert 2 * [(None, None)] == told('other')
    s3.delete_bucket_lifecycle(Bucket=bucket)
    assert 2 * [(None, None)] == told()


def test_the_operators_rules_are_told(cluster, bucket):
    """Where the bucket has none."""
    proxy = cluster.add_proxy('operators-rules', filters={'s3multi': {'abort_uploads_after_days': 5}})
    answer = RawClient(proxy.url).request('POST', bucket, 'key', {'uploads': None})

    assert 'abort_uploads_after_days' == answer.headers['x-amz-abort-rule-id']


def test_the_sweep(cluster, sweeper, s3, bucket, swift):
    """It aborts the uploads whose time has come, tells the rule, and without --apply only that."""
    client = RawClient(tiny_parts(cluster).url)
    uploads = {key: Upload(client, bucket, key).parts(b'part') for key in ('logs/a', 'tmp/a', 'other')}
    set_rules(s3, bucket, rule('of logs', 'logs/', 1), rule('off', '', 1, 'Disabled'), rule('of tmp', 'tmp/', 5))
    logs = uploads['logs/a'].id

    assert {'open': 3} == sweeper.bucket(bucket, days=0.5).report['uploads']
    told = sweeper.run(f'{account()}/{bucket}')
    assert {logs: 'aborted'} == told.outcomes()
    assert uploads['logs/a'].is_open()
    swept = sweeper.bucket(bucket)

    assert (OK, {logs: 'aborted'}) == (swept.code, swept.outcomes()), swept
    assert ['by the rule of logs'] == [line['reason'] for line in swept.lines if line['event'] == 'upload']
    assert [False, True, True] == [upload.is_open() for upload in uploads.values()]
    s3.delete_bucket_lifecycle(Bucket=bucket)
    assert {'open': 2} == {key: count for key, count in sweeper.bucket(bucket, days=400).report['uploads'].items()
                           if key != 'forgotten'}
