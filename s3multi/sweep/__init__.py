# SPDX-License-Identifier: Apache-2.0
"""The sweep: ends what requests have left unfinished, and deletes what nothing refers to."""
