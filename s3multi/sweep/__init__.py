# SPDX-License-Identifier: Apache-2.0
"""The sweep: what requests leave behind is brought to its end, and what nothing refers to is deleted."""
