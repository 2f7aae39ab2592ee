# SPDX-License-Identifier: Apache-2.0
"""The latency benchmark: s3multi and Swift's own s3api over storage servers that hold each request for a while."""
