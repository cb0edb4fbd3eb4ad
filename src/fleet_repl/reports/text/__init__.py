"""Plans and reports as text for people. The width of a terminal only moves line breaks.

Every line passes through `Page`, which makes control characters of names from outside visible. Only
these modules and the command line use rich.
"""
