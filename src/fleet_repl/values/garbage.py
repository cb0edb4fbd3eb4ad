"""When Python looks for garbage: values that hold each other, which nothing else frees."""

from __future__ import annotations

import gc
from typing import Final

_THRESHOLDS: Final = (50_000, 20, 20)
"""New values after which Python looks, in place of 700: a call of the SDK makes so many."""


def collect_seldom() -> None:
    """Have Python look for garbage from now on, seldom, and never among what is there by now.

    A process that switches the search off when it starts calls this once it has loaded what it
    works with. Modules and a fleet are hundreds of thousands of values that all stay in use: to
    look through them took a tenth of a short run, and a quarter of the plan of a large fleet.
    Programs that use the library keep their own setting: where the search is on, nothing changes.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.set_threshold(*_THRESHOLDS)
        gc.enable()
