# SPDX-License-Identifier: Apache-2.0
"""How hypothesis runs here: the same examples every time, and as many as keep the whole suite below a minute."""
from hypothesis import settings

settings.register_profile('unit', deadline=None, derandomize=True, max_examples=100)
settings.load_profile('unit')
