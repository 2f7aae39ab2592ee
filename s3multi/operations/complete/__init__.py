# SPDX-License-Identifier: Apache-2.0
"""Complete: from the body of the request to the answer, one module for each step."""
