"""Delivery: have recent images arrived at the destinations of their links, and if not, why.

Pure: which images to ask about, what the answers mean, and whose move it is. Asking is the
engine's.
"""

from fleet_repl.runs.delivery.evidence import (
    Arrival,
    Lookup,
    Lookups,
    SampledImage,
    SourceSample,
    Status,
    arrival_of,
    evidence_of,
    parse_statuses,
)
from fleet_repl.runs.delivery.explain import (
    Knowledge,
    explained,
    knowledge_of,
    needs_policy,
)
from fleet_repl.runs.delivery.judge import judge, lookups
from fleet_repl.runs.delivery.model import (
    Delivery,
    DeliveryReport,
    DeliveryState,
    LinkDelivery,
    PushedImage,
    Times,
    UnreadRegistry,
    state_of,
    times_of,
)
from fleet_repl.runs.delivery.sample import (
    LOOKS,
    TIMINGS,
    carried,
    moment,
    newest,
    recent_images,
    repositories_to_ask,
    sample,
)

__all__ = [
    "LOOKS",
    "TIMINGS",
    "Arrival",
    "Delivery",
    "DeliveryReport",
    "DeliveryState",
    "Knowledge",
    "LinkDelivery",
    "Lookup",
    "Lookups",
    "PushedImage",
    "SampledImage",
    "SourceSample",
    "Status",
    "Times",
    "UnreadRegistry",
    "arrival_of",
    "carried",
    "evidence_of",
    "explained",
    "judge",
    "knowledge_of",
    "lookups",
    "moment",
    "needs_policy",
    "newest",
    "parse_statuses",
    "recent_images",
    "repositories_to_ask",
    "sample",
    "state_of",
    "times_of",
]
