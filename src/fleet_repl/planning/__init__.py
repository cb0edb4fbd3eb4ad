"""From what is wanted and what is in place to a plan, and back (import).

The law of this room: every decision is made here and none later, and it is pure.
"""
