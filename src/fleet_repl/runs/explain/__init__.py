"""Explain where an image goes by what AWS answered, and why it does not go elsewhere. Pure."""

from fleet_repl.runs.explain.decide import answers_on_links, explain_sightings
from fleet_repl.runs.explain.sightings import Sightings, delivery_on, links_in_place

__all__ = ["Sightings", "answers_on_links", "delivery_on", "explain_sightings", "links_in_place"]
