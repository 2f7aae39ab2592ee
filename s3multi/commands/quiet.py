# SPDX-License-Identifier: Apache-2.0
"""To be imported before Swift: keeps out of a command's standard error what its user can do nothing about.

Newer versions of Swift do the same for eventlet. With ``-W`` or PYTHONWARNINGS, all warnings are as these say.
"""
import sys
import warnings

if not sys.warnoptions:
    for _begin in (r'\s*Eventlet is deprecated', 'pkg_resources is deprecated'):
        warnings.filterwarnings('ignore', _begin)
