"""Which services of ours an organisation has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulator.services.autoscaling import AutoScaling
from simulator.services.cloudformation import StackSets
from simulator.services.cloudtrail import CloudTrail
from simulator.services.cloudwatch import CloudWatch
from simulator.services.config_service import ConfigService
from simulator.services.dynamodb import DynamoDb
from simulator.services.ec2 import Ec2Service
from simulator.services.events import Events
from simulator.services.guardduty import GuardDuty
from simulator.services.iam import Iam
from simulator.services.inspector import Inspector
from simulator.services.kms import KmsService
from simulator.services.lambda_functions import LambdaFunctions
from simulator.services.load_balancers import ClassicLoadBalancers, LoadBalancers
from simulator.services.macie import Macie
from simulator.services.organizations import Organizations
from simulator.services.rds import RdsService
from simulator.services.s3 import S3Service
from simulator.services.s3_batch import S3Control
from simulator.services.security_hub import SecurityHub
from simulator.services.sns import Topics
from simulator.services.sqs import Queues
from simulator.services.ssm import SystemsManager
from simulator.services.stepfunctions import StepFunctions
from simulator.services.sts import Sts

if TYPE_CHECKING:
    from simulator.identity import Identities
    from simulator.service import Service
    from simulator.world import World

PLAIN = (
    AutoScaling,
    StackSets,
    CloudTrail,
    CloudWatch,
    ConfigService,
    DynamoDb,
    Ec2Service,
    Events,
    GuardDuty,
    Iam,
    Inspector,
    KmsService,
    LoadBalancers,
    ClassicLoadBalancers,
    Macie,
    Organizations,
    RdsService,
    S3Service,
    SecurityHub,
    Topics,
    Queues,
)


def build_services(world: World, identities: Identities) -> dict[str, Service]:
    """Make every service of ours, by boto3's name; all others are moto's alone."""
    services: list[Service] = [kind(world) for kind in PLAIN]
    services += [Sts(world, identities), LambdaFunctions(world, identities), S3Control(world, identities)]
    services += [StepFunctions(world, identities), SystemsManager(world, identities)]
    return {service.name: service for service in services}
