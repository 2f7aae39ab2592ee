# SPDX-License-Identifier: Apache-2.0
"""Tests of ``s3multi.demo`` that start no server; ``tests/integration/test_demo.py`` runs the demo."""
