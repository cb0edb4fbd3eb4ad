"""Delivery: have recent images arrived at the destinations of their links, and if not, why.

Pure: which images to ask about, what the answers mean, and whose move it is. Asking is the
engine's.
"""

from fleet_repl.runs.delivery.evidence import (
    Arrival as Arrival,
    Lookup as Lookup,
    Lookups as Lookups,
    SampledImage as SampledImage,
    SourceSample as SourceSample,
    Status as Status,
    arrival_of as arrival_of,
    evidence_of as evidence_of,
    parse_statuses as parse_statuses,
)
from fleet_repl.runs.delivery.explain import (
    Knowledge as Knowledge,
    explained as explained,
    knowledge_of as knowledge_of,
    needs_policy as needs_policy,
)
from fleet_repl.runs.delivery.judge import judge as judge, lookups as lookups
from fleet_repl.runs.delivery.model import (
    Delivery as Delivery,
    DeliveryReport as DeliveryReport,
    DeliveryState as DeliveryState,
    LinkDelivery as LinkDelivery,
    PushedImage as PushedImage,
    Times as Times,
    UnreadRegistry as UnreadRegistry,
    state_of as state_of,
    times_of as times_of,
)
from fleet_repl.runs.delivery.sample import (
    LOOKS as LOOKS,
    TIMINGS as TIMINGS,
    carried as carried,
    newest as newest,
    recent_images as recent_images,
    repositories_to_ask as repositories_to_ask,
    sample as sample,
)
