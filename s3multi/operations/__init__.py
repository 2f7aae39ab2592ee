# SPDX-License-Identifier: Apache-2.0
"""The S3 operations, one module each: ``run(bucket, call)`` returns the ``Reply`` or raises an ``S3Error``."""
