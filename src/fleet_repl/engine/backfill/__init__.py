"""Backfills: ECR's requests to replicate images that were pushed before their rule was in place."""
