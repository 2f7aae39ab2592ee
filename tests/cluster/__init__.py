# SPDX-License-Identifier: Apache-2.0
"""Tests with real Swift servers on several storage nodes, which fail at random while clients work: nothing is lost.

``machines`` has the nodes, proxies and daemons. ``trouble`` makes them fail, as a seed chooses. ``clients`` send
requests, as the same seed chooses, and remember every answer. ``checks`` compares the answers with what is there in the
end.
"""

# The longest leg of a run (``run``). Shards begin to shrink after two to three minutes.
LEG_SECONDS = 300
