"""Backfills: images that were pushed before their rule was in place are replicated by a request."""
