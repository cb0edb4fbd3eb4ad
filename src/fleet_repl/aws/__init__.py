"""AWS behind the engine's ports: identity, credentials, clients, answers, and faults explained.

The law of this room: it alone imports the AWS SDK. That takes a third of a second, so other rooms
import this one only where they call AWS.
"""

from fleet_repl.aws.configuration import Endpoint as Endpoint
from fleet_repl.aws.enabled_regions import EnabledRegions as EnabledRegions
from fleet_repl.aws.endpoints import configured_endpoints as configured_endpoints
from fleet_repl.aws.open import (
    open_aws as open_aws,
    open_discovery as open_discovery,
    open_objects as open_objects,
)
from fleet_repl.aws.organizations import Organizations as Organizations
from fleet_repl.aws.queues import AwsQueue as AwsQueue, open_queue as open_queue
from fleet_repl.aws.registries import AwsRegistries as AwsRegistries
from fleet_repl.aws.s3 import BucketObjects as BucketObjects
from fleet_repl.values.names import Secret as Secret
