"""Explain where an image goes by what AWS answered, and why it does not go elsewhere. Pure."""

from fleet_repl.runs.explain.decide import (
    answers_on_links as answers_on_links,
    explain_sightings as explain_sightings,
)
from fleet_repl.runs.explain.sightings import (
    Sightings as Sightings,
    delivery_on as delivery_on,
    links_in_place as links_in_place,
)
