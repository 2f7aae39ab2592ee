# SPDX-License-Identifier: Apache-2.0
"""The configuration of Sphinx, which builds the documentation: ``sphinx-build -W -b html doc doc/_build``."""
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The documentation describes the checkout that it lies in; its tables are made from that code.
sys.path[:0] = [str(HERE.parent), str(HERE)]

from s3multi import __version__  # noqa: E402

project = 's3multi'
author = 'the s3multi developers'
copyright = 'the s3multi developers, Apache License 2.0'  # noqa: A001 - the name that Sphinx wants
version = release = __version__

extensions = ['generated_tables']
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
