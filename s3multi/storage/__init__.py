# SPDX-License-Identifier: Apache-2.0
"""What is asked of Swift, and of memcache."""
