"""Module names that deployments were given before the modules moved.

`fleet_repl` looks for its submodules here, too: a Lambda function keeps its handler setting
(`fleet_repl.integrations.aws_lambda.handler`) when its code is updated.
"""
