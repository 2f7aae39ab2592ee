# SPDX-License-Identifier: Apache-2.0
"""What the commands for operators share: which accounts they look at, and how they reach Swift and the operator."""
