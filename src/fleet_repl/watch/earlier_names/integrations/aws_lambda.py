"""The Lambda handler by the name that deployments were given first."""

from fleet_repl.watch.aws_lambda import handler as handler
