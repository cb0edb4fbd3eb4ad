"""Plans and reports as documents and back, text, JUnit XML, graphs, log lines and exit codes.

The law of this room: it reads values and never AWS. Text for people is in `reports.text`, which
alone needs rich; what `bootstrap` prints is in `reports.bootstrap`.
"""
