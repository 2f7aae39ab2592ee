# SPDX-License-Identifier: Apache-2.0
"""The two WSGI filters, which wire requests to operations, and what each of them does besides."""
