# SPDX-License-Identifier: Apache-2.0
"""The configuration of Sphinx, which needs nothing else to build the pages: ``sphinx-build doc doc/_build``."""
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The documentation describes the checkout that it lies in.
sys.path.insert(0, str(HERE.parent))

from s3multi import __version__  # noqa: E402

project = 's3multi'
author = 'the s3multi developers'
copyright = 'the s3multi developers, Apache License 2.0'  # noqa: A001 - the name that Sphinx wants
version = release = __version__

exclude_patterns = ['_build']
nitpicky = True

html_theme = 'alabaster'
html_theme_options = {
    'description': 'S3 multipart uploads for OpenStack Swift',
    'page_width': '1060px',
    'sidebar_width': '230px',
    'show_powered_by': False,
}
html_show_sourcelink = False
