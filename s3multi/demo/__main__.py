# SPDX-License-Identifier: Apache-2.0
"""`python3 -m s3multi.demo`, also installed as `s3multi-demo`: a Swift cluster and one multipart upload on it."""

import signal
import sys


def main() -> int:
    """Run the demo; return the exit code."""
    # Everything else is imported after this, so that Ctrl-C ends the process without a traceback from the beginning.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from . import command
    return command.main()


if __name__ == '__main__':
    sys.exit(main())
