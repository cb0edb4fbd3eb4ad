"""Documents as CSV tables: a row for each registry, or for each link.

The order of columns is a promise: new ones come at the end. Tables are made and written row by row,
so that a fleet of a hundred thousand registries is never held as a table. Pure.
"""
