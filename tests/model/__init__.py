# SPDX-License-Identifier: Apache-2.0
"""The protocol of an upload, tried over a Swift in memory, with every move decided by a seed."""
