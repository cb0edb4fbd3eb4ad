"""Documents as SARIF 2.1.0, so that code scanning shows problems on the inventory. Pure.

A finding is a problem that a reader has to know of; what is as it should be has none. Ids of rules
are the kinds that documents have, and fingerprints stay the same from run to run.
"""
