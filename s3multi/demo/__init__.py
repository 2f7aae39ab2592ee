# SPDX-License-Identifier: Apache-2.0
"""A small real Swift cluster on the loopback interface, and a walk through one multipart upload on it.

`python3 -m s3multi.demo` shows the walk. The integration tests start the same cluster through `cluster.Cluster`. No
other package of the product imports this one.
"""
