"""The library's face: an inventory, a connection to its fleet, plans and reports.

Composes the stages; decides nothing of its own. Clock and randomness come in here.
"""
