"""Documents as Markdown: for a job summary or a comment on a pull request at GitHub.

The law of this package: a text fits a comment, and says what it leaves out. Names from outside are
inert: they make no cell, tag, link, list, mention or reference. Pure.
"""
