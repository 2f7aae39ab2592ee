# SPDX-License-Identifier: Apache-2.0
"""The tests: `unit` and `model` need no servers, `integration` runs a Swift cluster, `cluster` one of several nodes.

`python3 -m tests` runs them all.
"""
