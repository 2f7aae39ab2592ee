# SPDX-License-Identifier: Apache-2.0
"""The command ``s3multi-space``: tells where the space of multipart uploads goes. It only reads."""
