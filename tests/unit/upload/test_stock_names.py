# SPDX-License-Identifier: Apache-2.0
"""Ids and names of uploads that Swift's own s3api began, and names that only look like them."""
import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s3multi.upload import stock_names
from s3multi.upload.names import new_attempt

SOME_ID, SOME_ATTEMPT = 'cgmjPY--nnnnnnnnnnnnn', new_attempt(1790000000 * 100000)

keys = st.one_of(
    st.text(st.characters(blacklist_characters='\0', blacklist_categories=('Cs',)), min_size=1),
    st.lists(st.sampled_from(['a', '/', SOME_ID, 'complete', '00000001-', SOME_ATTEMPT, '..', '%2F', '\n', '\u00e9']),
             min_size=1, max_size=6).map(''.join))


@given(st.uuids())
def test_ids_of_stock_s3api_are_recognised(uuid):
    """Swift's own controllers continue such an upload."""
    upload_id = base64.urlsafe_b64encode(str(uuid).encode()).decode()

    assert stock_names.is_stock_id(upload_id)
    assert ('a/b', upload_id) == stock_names.split_stock_marker('a/b/' + upload_id)


STOCK_ID = 'ODJlOTU3ZjktN2QwZi00ZDU2LWI3ZTMtMGQ5YjI4YWZkZWFk'


@pytest.mark.parametrize('upload_id', [
    '', SOME_ID, 'M' * 48, STOCK_ID[:-1], STOCK_ID + 'x', STOCK_ID + '\n', STOCK_ID[:-4] + 'LS0t', STOCK_ID + '/1',
    '\u00e9' * 48, base64.b64encode(b'82E957F9-7D0F-4D56-B7E3-0D9B28AFDEAD').decode(), STOCK_ID[:-1] + '=',
], ids=ascii)
def test_what_is_no_id_of_stock_s3api(upload_id):
    """Only the exact form is one: a UUID in lower case, in base64."""
    assert not stock_names.is_stock_id(upload_id)
    assert stock_names.split_stock_marker('key/' + upload_id) is None


@given(keys, st.integers(1, 99999))
def test_parts_of_stock_s3api_are_recognised(key, number):
    """The name of a part is that of its marker and a number. The marker itself is not a part."""
    marker = '%s/%s' % (key, STOCK_ID)
    part = '%s/%d' % (marker, number)

    assert (marker, None) == (stock_names.stock_marker_of(part), stock_names.stock_marker_of(marker))
    assert stock_names.split_stock_marker(part) is None
    assert marker < part < stock_names.after_stock_parts(marker)
    begin, end = stock_names.stock_marker_range(key)
    assert begin < marker < end


@pytest.mark.parametrize('name', [
    '', '1', '/1', 'key/1', STOCK_ID + '/1', '/%s/1' % STOCK_ID, 'key/%s/' % STOCK_ID, 'key/%s/x' % STOCK_ID,
    'key/%s/123456' % STOCK_ID, 'key/%s/1\n' % STOCK_ID, 'key/%s/\u0661' % STOCK_ID, 'key/%s/1/1' % STOCK_ID,
    'key/%s/1' % ('M' * 48),
], ids=ascii)
def test_what_is_no_part_of_stock_s3api(name):
    """Other names are not passed over with the parts."""
    assert stock_names.stock_marker_of(name) is None
