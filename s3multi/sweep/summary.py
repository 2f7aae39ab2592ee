# SPDX-License-Identifier: Apache-2.0
"""The last report of a sweep, for programs that watch it: as JSON, and as metrics of Prometheus. No I/O."""
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from s3multi.sweep.judge import OUTCOMES

_PREFIX = 's3multi_sweep_'


@dataclass(frozen=True)
class Summary:
    """A sweep that has ended. report: its last document. began, ended: seconds since the epoch. code: of the exit."""

    report: 'Mapping[str, Any]'
    began: float
    ended: float
    code: int

    def json(self) -> str:
        """Return it as one document, as Swift's daemons keep theirs for ``swift-recon``."""
        report = {name: value for name, value in self.report.items() if name != 'event'}
        return json.dumps({'s3multi_sweep': {'began': self.began, 'ended': self.ended, 'exit_code': self.code,
                                             **report}}, indent=1, sort_keys=True) + '\n'

    def textfile(self) -> str:
        """Return it in the text format of Prometheus, for the textfile collector of node-exporter.

        https://prometheus.io/docs/instrumenting/exposition_formats/
        """
        return ''.join(self._metrics())

    def _metrics(self) -> Iterator[str]:
        report, queue = self.report, self.report['expirer_queue']
        yield _gauge('end_timestamp_seconds', 'When the last sweep ended.', '%.3f' % self.ended)
        yield _gauge('duration_seconds', 'How long it took.', '%.3f' % (self.ended - self.began))
        yield _gauge('exit_code', 'The exit code of s3multi-sweep.', self.code)
        yield _gauge('applied', '1 if it has made its changes, 0 for a dry run.', int(report['applied']))
        yield _gauge('containers', 'Buckets with uploads that were swept.', report['containers'])
        yield _gauge('unreadable', 'Accounts and buckets that could not be read.', report['unreadable'])
        yield _gauge('uploads', 'Uploads by outcome.', {
            '{outcome="%s"}' % name: report['uploads'].get(name, 0) for name in OUTCOMES})
        yield _gauge('parts', 'Parts that were deleted, or in a dry run would be.', report['parts'])
        yield _gauge('bytes', 'Bytes of these parts.', report['bytes'])
        if queue:
            yield _gauge('expirer_queue_tasks', 'Tasks in the queue of the object expirer.', queue['length'])
            yield _gauge('expirer_queue_overdue_seconds', 'How long its oldest deletion is overdue.',
                         queue['overdue_seconds'])
            yield _gauge('expirer_queue_unreported', 'Containers of the queue that the expirer does not know of.',
                         queue['unreported'])


def _gauge(name: str, meaning: str, values: object) -> str:
    """Return a metric. values: its value, or one for each set of labels."""
    name = _PREFIX + name
    each = values if isinstance(values, dict) else {'': values}
    return '# HELP %s %s\n# TYPE %s gauge\n' % (name, meaning, name) + ''.join(
        '%s%s %s\n' % (name, labels, value) for labels, value in each.items())
