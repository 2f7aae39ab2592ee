# SPDX-License-Identifier: Apache-2.0
"""The tests: `unit` needs no Swift cluster, `integration` runs one. `python3 -m tests` runs both."""
