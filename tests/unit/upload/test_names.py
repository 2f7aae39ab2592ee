# SPDX-License-Identifier: Apache-2.0
"""Names in Swift: upload ids that cannot be forged, and names that can always be split again."""
import itertools
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from s3multi.upload import names
from s3multi.upload.names import Upload, UploadIds
from tests.cases import for_each

IDS = UploadIds(b'the secret of the cluster')
NOW = 1790000000 * 100000
# It has the form of an id, but was made for no upload.
SOME_ID = names.new_attempt(NOW)[:8] + 'n' * (names.ID_LENGTH - 8)
NEW_ID = SOME_ID[:8] + '.0' + SOME_ID[10:]
SOME_ATTEMPT = names.new_attempt(NOW)

ticks = st.integers(1767225600 * 100000, 2 ** 48 - 1)
numbers = st.integers(1, 10000)
# Keys of any kind, some of which look like markers, parts and intents themselves.
keys = st.one_of(
    st.text(st.characters(blacklist_characters='\0', blacklist_categories=('Cs',)), min_size=1),
    st.lists(st.sampled_from(['a', '/', SOME_ID, 'complete', '00000001-', SOME_ATTEMPT, '..', '%2F', '\n', '\u00e9']),
             min_size=1, max_size=6).map(''.join))
# Those of release 0.1, and of any.
old_uploads = st.builds(lambda key, begun: Upload('AUTH_a', 'b', key, IDS.new_among_parts('AUTH_a', 'b', key, begun)),
                        keys, ticks)
uploads = st.one_of(old_uploads, st.builds(
    lambda key, begun: Upload('AUTH_a', 'b', key, IDS.new('AUTH_a', 'b', key, begun)), keys, ticks))


def test_ids_are_safe_in_a_query_without_encoding():
    """The AWS CRT puts the id into the query as it is, so no character of it may need an escape."""
    made = {IDS.new('AUTH_a', 'b', 'k', NOW) for _ in range(200)}

    assert set(''.join(made)) <= set(string.ascii_letters + string.digits + '-_.')
    assert {names.ID_LENGTH} == {len(upload_id) for upload_id in made}


def test_ids_of_one_moment_differ():
    """Two Initiates of one key in the same 10 microseconds are two uploads, but for a chance in a million."""
    assert 10 == len({IDS.new('AUTH_a', 'b', 'k', NOW) for _ in range(10)})


def test_ids_are_not_of_the_form_of_stock_s3api():
    """Ids of stock s3api have 48 characters, so their uploads are never taken for those of s3multi."""
    assert names.ID_LENGTH < 48


@given(keys, ticks, ticks)
def test_ids_of_a_key_sort_by_the_time_of_initiate(key, one, other):
    """List Multipart Uploads orders by time, but its marker compares ids, so both orders must be the same."""
    assume(one != other)
    first, second = (IDS.new('AUTH_a', 'b', key, begun) for begun in sorted((one, other)))

    assert first < second


@given(keys, ticks)
def test_an_id_tells_its_time(key, begun):
    """The marker of an upload is written with the time in its id."""
    assert begun == Upload('AUTH_a', 'b', key, IDS.new('AUTH_a', 'b', key, begun)).ticks


@given(ticks)
def test_an_attempt_tells_its_time(begun):
    """Of two attempts to upload a part, the later one is the part."""
    attempt = names.new_attempt(begun)

    assert begun == names.attempt_ticks(attempt)
    assert names.ATTEMPT_LENGTH == len(attempt)


@given(ticks, ticks)
def test_attempts_sort_by_time(one, other):
    """Rows of one part number come oldest first."""
    assume(one != other)
    first, second = map(names.new_attempt, sorted((one, other)))

    assert first < second


# belongs: an id is valid only for its account, bucket and key

@given(keys, ticks)
def test_an_id_belongs_where_it_was_made(key, begun):
    """The id that Initiate has answered is accepted, for every key that S3 allows."""
    assert IDS.belongs('AUTH_a', 'b', key, IDS.new('AUTH_a', 'b', key, begun))


@given(st.integers(0, names.ID_LENGTH - 1), st.characters())
def test_an_id_with_any_character_changed_belongs_nowhere(place, character):
    """A made-up id is NoSuchUpload without a request to Swift."""
    upload_id = IDS.new('AUTH_a', 'b', 'key', NOW)
    assume(character != upload_id[place])

    assert not IDS.belongs('AUTH_a', 'b', 'key', upload_id[:place] + character + upload_id[place + 1:])


def test_an_id_with_a_legal_character_changed_belongs_nowhere():
    """Every digit of time, nonce and hash counts."""
    def check(place):
        upload_id = IDS.new('AUTH_a', 'b', 'key', NOW)
        others = set(string.ascii_letters + string.digits + '-_') - {upload_id[place]}

        assert not [other for other in others
                    if IDS.belongs('AUTH_a', 'b', 'key', upload_id[:place] + other + upload_id[place + 1:])]

    for_each(range(names.ID_LENGTH), check)


@given(keys, keys, ticks)
def test_an_id_belongs_to_one_key(key, other, begun):
    """A valid id with another key is NoSuchUpload, as on Amazon S3."""
    assume(key != other)

    assert not IDS.belongs('AUTH_a', 'b', other, IDS.new('AUTH_a', 'b', key, begun))


@pytest.mark.parametrize('account, bucket, key', [
    pytest.param('AUTH_other', 'bucket', 'key', id='other-account'),
    pytest.param('AUTH_a', 'other', 'key', id='other-bucket'),
    pytest.param('AUTH_a', 'bucket', 'other', id='other-key'),
    pytest.param('AUTH_a', 'bucketk', 'ey', id='border-of-bucket-and-key-moved'),
    pytest.param('AUTH_abuck', 'et', 'key', id='border-of-account-and-bucket-moved'),
])
def test_an_id_of_elsewhere_is_refused(account, bucket, key):
    """The hash covers account, bucket and key separately."""
    assert not IDS.belongs(account, bucket, key, IDS.new('AUTH_a', 'bucket', 'key', NOW))


def test_an_id_of_another_cluster_is_refused():
    """Nobody can make an id without the secret of the cluster."""
    assert not IDS.belongs('AUTH_a', 'b', 'k', UploadIds(b'another secret').new('AUTH_a', 'b', 'k', NOW))


def test_all_proxies_of_a_cluster_know_the_same_ids():
    """The hash depends on the secret alone, not on the process."""
    assert UploadIds(b'the secret of the cluster').belongs('AUTH_a', 'b', 'k', IDS.new('AUTH_a', 'b', 'k', NOW))


@pytest.mark.parametrize('upload_id', [
    pytest.param('', id='empty'),
    pytest.param('x', id='short'),
    pytest.param('x' * 1025, id='longer-than-any'),
    pytest.param('\u00e9' * names.ID_LENGTH, id='not-ascii'),
    pytest.param('\udcff' * names.ID_LENGTH, id='no-text'),
    pytest.param('\0' * names.ID_LENGTH, id='nul'),
    pytest.param('/' * names.ID_LENGTH, id='slashes'),
    pytest.param('../../../../../../../', id='upwards'),
    pytest.param('VXBsb2FkIElEIGZvciA2aWWpbmcncyBteS1tb3ZpZS5tMnRzIHVwbG9hZA', id='of-amazon'),
])
def test_what_is_no_id_belongs_nowhere(upload_id):
    """Whatever a client sends as uploadId, it gets an answer and not an internal error."""
    assert not IDS.belongs('AUTH_a', 'b', 'k', upload_id)


@given(st.text(max_size=40))
def test_no_text_is_an_id_by_chance(text):
    """A guess has one chance in 2**48."""
    assert not IDS.belongs('AUTH_a', 'b', 'k', text)


@pytest.mark.parametrize('change', [
    pytest.param(lambda upload_id: upload_id + '\n', id='newline-after'),
    pytest.param(lambda upload_id: ' ' + upload_id, id='blank-before'),
    pytest.param(lambda upload_id: upload_id + '0', id='one-more'),
    pytest.param(lambda upload_id: upload_id[:-1], id='one-less'),
    pytest.param(lambda upload_id: upload_id.swapcase(), id='other-case'),
])
def test_an_id_is_taken_exactly(change):
    """An id is opaque, and must be sent exactly as it was answered."""
    assert not IDS.belongs('AUTH_a', 'b', 'k', change(IDS.new('AUTH_a', 'b', 'k', NOW)))


# Names

@pytest.mark.parametrize('name, expected', [
    ('bucket_segments', True), ('_segments', True), ('bucket', False), ('bucket_segments2', False),
    ('bucket+segments', False), ('bucket_Segments', False), ('', False)])
def test_names_of_containers_that_hold_uploads(name, expected):
    """A container with this ending is not a bucket."""
    assert expected is names.is_segments_container(name)


def test_names_of_an_upload():
    """These are the names that an operator finds, for an upload of this release and for one of release 0.1."""
    for upload_id, marker in ((SOME_ID, ('bucket_segments', 'a/b/' + SOME_ID)),
                              (NEW_ID, ('\0s3multi\0bucket', '\0a/b\0' + NEW_ID))):
        upload = Upload('AUTH_a', 'bucket', 'a/b', upload_id)

        assert 'bucket_segments' == upload.container == names.segments_container('bucket')
        assert marker == (upload.marker_container, upload.marker)
        assert 'a/b/%s/complete' % upload_id == upload.intent
        assert 'a/b/%s/00000007-%s' % (upload_id, SOME_ATTEMPT) == upload.part(7, SOME_ATTEMPT)


@given(uploads, numbers, ticks)
def test_a_part_is_found_by_its_name(upload, number, begun):
    """``parse_part`` reads what ``part`` has written, whatever the key looks like."""
    attempt = names.new_attempt(begun)

    assert (number, attempt) == upload.parse_part(upload.part(number, attempt))


@given(uploads)
def test_a_marker_is_split_into_key_and_id(upload):
    """The name is split from the right, so the key may look like a marker itself."""
    assert (upload.key, upload.id) == names.split_marker(upload.path)


@given(uploads, uploads, numbers)
def test_a_part_belongs_to_one_upload(upload, other, number):
    """No upload takes the part of another for its own, not even if its key is the marker of the other."""
    assume(upload != other)
    nested = Upload('AUTH_a', 'b', upload.path, other.id)

    assert upload.parse_part(other.part(number, SOME_ATTEMPT)) is None
    assert upload.parse_part(nested.part(number, SOME_ATTEMPT)) is None
    assert nested.parse_part(upload.part(number, SOME_ATTEMPT)) is None


def notes_of(upload):
    """Return the names of notes about an upload."""
    return upload.freed, upload.shared, upload.shared_with('b', 'copy')


@given(uploads, uploads)
def test_records_are_no_parts(upload, other):
    """Markers and intents are not taken for parts, not even those of a longer key."""
    nested = Upload('AUTH_a', 'b', upload.path, other.id)

    for name in (upload.marker, upload.intent, nested.marker, nested.intent, *notes_of(upload)):
        assert upload.parse_part(name) is None


@given(uploads, numbers)
def test_a_part_is_no_marker(upload, number):
    """List Multipart Uploads never shows a part or an intent as an upload."""
    assert names.split_marker(upload.part(number, SOME_ATTEMPT)) is None
    assert names.split_marker(upload.intent) is None


@given(uploads)
def test_notes_belong_to_their_upload(upload):
    """They are told from all else by their names."""
    for name in notes_of(upload):
        assert (names.Kind.NOTE, upload.key, upload.id) == names.parse_name(name)
        assert names.split_marker(name) is None
    assert names.parse_name(upload.shared + '-') is None
    assert len(set(notes_of(upload))) < len({*notes_of(upload), upload.shared_with('b/copy', ''),
                                             upload.shared_with('b', 'copy2')})


@given(uploads, numbers)
def test_the_upload_of_a_part(upload, number):
    """Is known by the name alone, in whichever bucket of the account."""
    name = upload.part(number, SOME_ATTEMPT)

    assert upload == IDS.upload_of('AUTH_a', 'b_segments', name)
    for account, container in (('AUTH_b', 'b_segments'), ('AUTH_a', 'c_segments'), ('AUTH_a', 'b'), ('AUTH_a', '')):
        assert IDS.upload_of(account, container, name) is None
    for other in (upload.marker, upload.intent, *notes_of(upload), 'x' + name, name + 'x', ''):
        assert IDS.upload_of('AUTH_a', 'b_segments', other) is None


@pytest.mark.parametrize('end', [
    '', '00000001', '00000001-', '0000001-' + SOME_ATTEMPT, '000000001-' + SOME_ATTEMPT,
    '00000001-' + SOME_ATTEMPT[:-1], '00000001-' + SOME_ATTEMPT + 'x', '00000001-' + SOME_ATTEMPT + '\n',
    '00000001_' + SOME_ATTEMPT, '+0000001-' + SOME_ATTEMPT, '\u0661' * 8 + '-' + SOME_ATTEMPT,
    '00000001-' + SOME_ATTEMPT[:-1] + '/', 'x/00000001-' + SOME_ATTEMPT, '00000001-' + SOME_ATTEMPT[:-1] + '\u00e9',
], ids=itertools.count())
def test_a_foreign_name_is_no_part(end):
    """Other tools keep segments in the same container. Only names of the exact form may be listed or deleted."""
    upload = Upload('AUTH_a', 'b', 'k', SOME_ID)

    assert upload.parse_part(upload.prefix + end) is None


@given(uploads, numbers)
def test_parts_lie_in_the_directory_of_their_upload(upload, number):
    """A listing with the delimiter shows the parts of each upload as one common prefix."""
    name = upload.part(number, SOME_ATTEMPT)
    common_prefix = name[:name.index(names.PARTS_DELIMITER, len(upload.key)) + len(names.PARTS_DELIMITER)]

    assert (upload.key, upload.id) == names.parts_directory(common_prefix)


@pytest.mark.parametrize('common_prefix', ['a/000', '/000', 'a/%s/000' % SOME_ID[:-1], '/%s/000' % SOME_ID, 'a//000'])
def test_other_directories_hold_no_parts(common_prefix):
    """Keys may contain the delimiter too."""
    assert names.parts_directory(common_prefix) is None


@given(old_uploads, keys, ticks)
def test_an_upload_that_is_not_hidden_is_not_in_a_directory_of_parts(upload, key, begun):
    """If no upload of a container is hidden, Swift may skip every directory of parts."""
    marker = Upload('AUTH_a', 'b', key, IDS.new_among_parts('AUTH_a', 'b', key, begun)).marker

    assert IDS.hides('AUTH_a', 'b', key) or not marker.startswith(upload.prefix + names.PARTS_DELIMITER[1:])


@pytest.mark.parametrize('name', [
    '', SOME_ID, '/' + SOME_ID, 'key', 'key/', 'key/' + SOME_ID[:-1], 'key/%sx' % SOME_ID, 'key/%s\n' % SOME_ID,
    'key/%s/' % SOME_ID, 'key/' + '\u00e9' * names.ID_LENGTH, 'key/' + '.' * names.ID_LENGTH,
], ids=ascii)
def test_a_foreign_name_is_no_marker(name):
    """The name of a marker is a key that is not empty, a slash, and an id of the exact form."""
    assert names.split_marker(name) is None


@given(uploads, numbers, ticks)
def test_parts_lie_between_the_prefix_and_their_end(upload, number, begun):
    """One range of a listing has all parts of an upload, and its intent comes after that."""
    name = upload.part(number, names.new_attempt(begun)).encode()

    assert name.startswith(upload.prefix.encode())
    assert upload.prefix.encode() < name < upload.parts_end.encode() < upload.intent.encode()


@given(uploads, numbers, numbers, ticks)
def test_part_names_sort_by_number_first(upload, one, other, begun):
    """Part 2 comes before part 10, and every attempt at a number after its ``before_part``."""
    assume(one < other)
    lower, higher = (upload.part(number, names.new_attempt(begun)) for number in (one, other))

    assert lower < upload.before_part(other) < higher
    assert upload.number_at(lower) == one


@given(uploads, st.text('0123456789-/.:x', max_size=12))
def test_the_part_number_at_any_place(upload, rest):
    """No attempt at a higher number sorts before a name, and one at this number may."""
    name = upload.prefix + rest
    number = upload.number_at(name)

    assert number < 0 or upload.before_part(number) <= name
    assert number >= 99999999 or name < upload.before_part(number + 1)


@given(old_uploads, ticks)
def test_markers_of_a_key_lie_in_its_range(upload, later):
    """The markers of all uploads that began before lie between the two names."""
    assume(upload.ticks < later)
    begin, end = names.marker_range(upload.key, later)

    assert begin.encode() <= upload.marker.encode() < end.encode()


def test_the_longest_name_of_an_upload():
    """A key that Initiate accepts must leave room for the names of all parts."""
    upload = Upload('AUTH_a', 'b', 'key', IDS.new('AUTH_a', 'b', 'key', NOW))
    longest = max((upload.part(10000, names.new_attempt(NOW)), upload.marker, upload.intent, upload.freed,
                   upload.shared_with('container', 'object')), key=len)

    assert names.NAME_OVERHEAD == len(longest) - len('key')


# Names that release 0.1.0 wrote. They must stay valid.
OLD_ID = 'cgmjPa-t--T8-HED6JsZb'
OLD_PART = 'k\u00e9y//%s/00000007-cgmjPnZmT8-' % OLD_ID


def test_ids_of_an_older_release_stay_valid():
    """An upgrade must not turn open uploads into NoSuchUpload."""
    assert UploadIds(b'secret').belongs('AUTH_a', 'bucket', 'k\u00e9y/', OLD_ID)
    assert 179000000012345 == Upload('AUTH_a', 'bucket', 'k\u00e9y/', OLD_ID).ticks


def test_parts_of_an_older_release_stay_readable():
    """An upgrade must not lose what was uploaded."""
    upload = Upload('AUTH_a', 'bucket', 'k\u00e9y/', OLD_ID)

    assert (7, 'cgmjPnZmT8-') == upload.parse_part(OLD_PART)
    assert 179000000067890 == names.attempt_ticks('cgmjPnZmT8-')
    assert ('k\u00e9y/', OLD_ID) == names.split_marker('k\u00e9y//' + OLD_ID)
