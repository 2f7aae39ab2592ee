# SPDX-License-Identifier: Apache-2.0
"""The check: proves that finished multipart objects can be read, and says what is broken. It writes nothing."""
