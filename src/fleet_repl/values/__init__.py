"""The values that all rooms share: names, prefixes, ECR's numbers, errors, canonical JSON, the
clock and safe text.

The law of this room: it imports nothing else of the package.
"""
