"""Rounds on a schedule or an event: look for drift, correct it if asked to, notify.

The law of this room: it only calls the library's runs, and overrides no objection. What a run
refuses, a watch leaves to a person.
"""

from fleet_repl.watch.deliveries import DeliverySource
from fleet_repl.watch.documents import headline, round_document, round_entry
from fleet_repl.watch.fleets import WatchedFleet
from fleet_repl.watch.loop import WatchOptions, watch
from fleet_repl.watch.memory import Memory
from fleet_repl.watch.news import News
from fleet_repl.watch.notify import Notifier, parse_webhook
from fleet_repl.watch.round import Round, Verdict
from fleet_repl.watch.round_context import RoundContext, RoundOptions
from fleet_repl.watch.run_round import run_round
from fleet_repl.watch.server import parse_address

__all__ = [
    "DeliverySource",
    "Memory",
    "News",
    "Notifier",
    "Round",
    "RoundContext",
    "RoundOptions",
    "Verdict",
    "WatchOptions",
    "WatchedFleet",
    "headline",
    "parse_address",
    "parse_webhook",
    "round_document",
    "round_entry",
    "run_round",
    "watch",
]
