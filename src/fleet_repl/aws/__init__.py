"""AWS behind the engine's ports: identity, credentials, clients, answers, and faults explained.

The law of this room: it alone imports the AWS SDK. That takes a third of a second, so other rooms
import this one only where they call AWS. What few runs need, such as queues and buckets, is
imported from its own module.
"""

from fleet_repl.aws.configuration import Endpoint as Endpoint
from fleet_repl.aws.endpoints import configured_endpoints as configured_endpoints
from fleet_repl.aws.open import (
    open_aws as open_aws,
    open_discovery as open_discovery,
)
from fleet_repl.aws.registries import AwsRegistries as AwsRegistries
from fleet_repl.values.names import Secret as Secret
