"""AWS behind the engine's ports: identity, credentials, clients, answers, and faults explained.

The law of this room: it alone imports the AWS SDK. That takes a third of a second, so other rooms
import this one only where they call AWS.
"""

from fleet_repl.aws.configuration import Endpoint
from fleet_repl.aws.enabled_regions import EnabledRegions
from fleet_repl.aws.endpoints import configured_endpoints
from fleet_repl.aws.open import open_aws, open_discovery, open_objects
from fleet_repl.aws.organizations import Organizations
from fleet_repl.aws.queues import AwsQueue, open_queue
from fleet_repl.aws.registries import AwsRegistries
from fleet_repl.aws.s3 import BucketObjects
from fleet_repl.values.names import Secret

__all__ = [
    "AwsQueue",
    "AwsRegistries",
    "BucketObjects",
    "EnabledRegions",
    "Endpoint",
    "Organizations",
    "Secret",
    "configured_endpoints",
    "open_aws",
    "open_discovery",
    "open_objects",
    "open_queue",
]
