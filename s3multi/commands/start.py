# SPDX-License-Identifier: Apache-2.0
"""What every command does before it looks at anything."""
import logging
from typing import Any

from swift.common.utils import get_logger, monkey_patch


def begin(name: str) -> Any:
    """Prepare the process of a command, and return its logger. name: the command's."""
    monkey_patch()
    # Without a handler, Python writes the warnings of libraries to standard error, between report and progress.
    logging.getLogger().addHandler(logging.NullHandler())
    return get_logger({'log_name': name}, log_route=name)
