# SPDX-License-Identifier: Apache-2.0
"""Tests over real Swift servers, started once for all of them."""
