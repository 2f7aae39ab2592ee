# SPDX-License-Identifier: Apache-2.0
"""Real Swift servers on several storage nodes, which fail at random while clients work: nothing is lost.

``machines`` are the nodes, proxies and daemons; ``trouble`` chooses by a seed what fails, ``clients`` by the same seed
what is asked for, and remembers every answer; ``checks`` holds the answers against what is there in the end.
"""
