"""The library's face: an inventory, a connection to its fleet, plans and reports.

The law of this room: it composes the other rooms and decides nothing of its own. Clock and
randomness come in here.
"""
