# SPDX-License-Identifier: Apache-2.0
"""How many examples hypothesis tries: the same ones each time, few of them in the profile that is usual, all in CI."""

from hypothesis import settings

# Examples of a test that asks for no more and no less than others.
PROFILES = {'quick': 10, 'full': 40}
USUAL = 'quick'


def register():
    """Make the profiles known, for --hypothesis-profile, and load the usual one."""
    for name, count in PROFILES.items():
        settings.register_profile(name, deadline=None, derandomize=True, max_examples=count)
    settings.load_profile(USUAL)


def examples(factor, **options):
    """Return settings with so many times the examples of the profile. options: as hypothesis takes them."""
    return settings(max_examples=round(factor * settings.default.max_examples), **options)
