# SPDX-License-Identifier: Apache-2.0
"""What an upload is: its names, records, states and manifest, and the decisions about them. No I/O."""
