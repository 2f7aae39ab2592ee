# SPDX-License-Identifier: Apache-2.0
"""The settings of the commands, from the file of their pipeline."""
import pytest

from s3multi.commands.cluster import _settings
from s3multi.config import ConfigError


@pytest.mark.parametrize('section', ['[filter:s3multi]\n', ''])
def test_options(tmp_path, section):
    """They are those of the section, if there is one; what stands in [DEFAULT] for other sections is none of them."""
    path = tmp_path / 'sweep.conf'
    path.write_text('[DEFAULT]\nlog_level = DEBUG\ndelete_concurrency = 2\n%s' % (
        section and section + 'abort_uploads_after_days = 30\n'))
    found = _settings(str(path))

    assert (30 if section else None, 20) == (found.abort_uploads_after_days, found.delete_concurrency)


def test_an_option_in_the_wrong_section(tmp_path):
    """It would be ignored."""
    path = tmp_path / 'sweep.conf'
    path.write_text('[DEFAULT]\nabort_uploads_after_days = 30\n[filter:s3multi]\n')
    with pytest.raises(ConfigError, match=r'\[DEFAULT\] has no option .abort_uploads_after_days.'):
        _settings(str(path))
