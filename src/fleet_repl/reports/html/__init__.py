"""Plans and reports as a page: one HTML file that needs no network and no server.

The law of this package: what a page shows is computed as frozen values out of a document alone, and
a template only places them. Names come from outside, so every text is escaped where it is placed.
It alone imports jinja2.
"""

from fleet_repl.reports.html.page import (
    PageTemplate,
    cut_rows,
    html_pieces,
    page_of,
    policy_of,
    watch_html,
)

__all__ = ["PageTemplate", "cut_rows", "html_pieces", "page_of", "policy_of", "watch_html"]
