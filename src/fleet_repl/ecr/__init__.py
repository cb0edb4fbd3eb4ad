"""ECR's JSON and what it means, both ways: rules, registry policies, templates, backfills.

The law of this room: it alone knows how ECR spells things, and it is pure.
"""
