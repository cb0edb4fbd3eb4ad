"""AWS behind the registry ports: identity, credentials, clients, and faults explained to readers.

The only package that imports the AWS SDK, which takes a third of a second: import it late.
"""

from fleet_repl.aws.configuration import Endpoint
from fleet_repl.aws.endpoints import configured_endpoints
from fleet_repl.aws.open import open_aws, open_objects
from fleet_repl.aws.registries import AwsRegistries
from fleet_repl.aws.s3 import BucketObjects

__all__ = [
    "AwsRegistries",
    "BucketObjects",
    "Endpoint",
    "configured_endpoints",
    "open_aws",
    "open_objects",
]
