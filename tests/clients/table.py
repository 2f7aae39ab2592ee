# SPDX-License-Identifier: Apache-2.0
"""The tables of the clients' results, made from the outcomes of the tests in a run."""

from __future__ import annotations

import pytest

TOPICS = {'upload': 'Upload', 'tls': 'over TLS', 'names': 'Names', 'list': 'Lists', 'copy': 'Copy', 'resume': 'Resume',
          'abort': 'Gives up', 'explicit abort': 'Abort', 'errors': 'Errors'}
# The topics of applications.
KEPT, KEPT_TLS = 'kept', 'kept over TLS'


class Table:
    """A plugin of pytest. path: of the file for the tables.

    kinds, applications: the classes of the clients and of the applications, in the order of rows.
    """

    def __init__(self, path, kinds, applications):
        self.path, self.kinds, self.applications = path, kinds, applications
        # Both by client and topic: the outcomes of tests, and how the parts of an upload were sent.
        self.outcomes, self.ways = {}, {}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item, call):
        """Note the outcome of a test for its client and its topic."""
        report = (yield).get_result()
        marker = item.get_closest_marker('topic')
        kind = item.callspec.params.get('kind') if hasattr(item, 'callspec') else None
        if marker is None or kind is None or (report.when != 'call' and report.passed):
            return
        place = kind, marker.args[0]
        self.outcomes.setdefault(place, []).append(report.outcome)
        for name, value in report.user_properties:
            if name == 'parts':
                self.ways[place] = value

    def pytest_sessionfinish(self):
        """Write the tables."""
        lines = ['Made by ``tox -e clients``.', '']
        lines += _table(('Client', 'Version', *TOPICS.values()), (20, 12, *(8 for _ in TOPICS)), [
            (kind.name, self._version(kind), *(self._cell(kind, topic) for topic in TOPICS)) for kind in self.kinds])
        lines += ['What they send with the body of a part:', '']
        lines += _table(('Client', 'Without TLS', 'Over TLS'), (24, 38, 38), [
            (kind.name, self.ways.get((kind, 'upload'), ''), self.ways.get((kind, 'tls'), '')) for kind in self.kinds])
        lines += ['Programs that keep data in a form of their own, and what they send with the body of a part:', '']
        lines += _table(('Program', 'Version', 'Comes back', 'over TLS', 'Without TLS', 'Over TLS'),
                        (16, 16, 8, 8, 26, 26), [
            (kind.name, self._version(kind), *(self._cell(kind, topic) for topic in (KEPT, KEPT_TLS)),
             *(self.ways.get((kind, topic), '–') for topic in (KEPT, KEPT_TLS))) for kind in self.applications])
        self.path.write_text('\n'.join(lines), encoding='utf-8')

    def _version(self, kind):
        return 'not there' if kind.missing() else kind.version()

    def _cell(self, kind, topic):
        outcomes = set(self.outcomes.get((kind, topic), ()))
        if topic in kind.lacks:
            return '–'
        if 'failed' in outcomes:
            return '**failed**'
        return 'yes' if 'passed' in outcomes else 'not run'


def _table(heads, widths, rows):
    """Return the lines of a table in reStructuredText."""
    lines = ['.. list-table::', '   :header-rows: 1', '   :widths: ' + ' '.join(map(str, widths)), '']
    for row in (heads, *rows):
        lines += [f"   {'-' if place else '* -'} {cell}".replace('   - ', '     - ') for place, cell in enumerate(row)]
    return [*lines, '']
