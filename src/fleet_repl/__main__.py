"""`python -m fleet_repl`: the command line."""

from fleet_repl.cli import main

main()
