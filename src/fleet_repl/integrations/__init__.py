"""Ways of other people's machinery to run a fleet: one module for each that needs code.

Nothing is decided about a fleet here: a call from outside becomes a round of `watch`.
"""
