# SPDX-License-Identifier: Apache-2.0
"""The rules of each module, one file per module, tested without a Swift cluster."""
