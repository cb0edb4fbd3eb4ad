"""The results of a run, as values: outcomes, events, history, drift causes, and what undoes a run.

The law of this room: it is pure. Runs are carried out in `engine` and remembered in `state`.
"""
