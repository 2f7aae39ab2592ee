# SPDX-License-Identifier: Apache-2.0
"""What an upload is: its names, records, stages and manifest, and the decisions about them. No I/O."""
