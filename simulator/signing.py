"""Which service a request is for: the name in its signature is not always one service's.

Source: the service models' `signingName`; `elasticloadbalancing` tells its APIs apart by version, all
others by target, path or action.
"""

from __future__ import annotations

import re

from moto.core.request import Request
from moto.core.routing import get_service_router
from werkzeug.exceptions import NotFound

from simulator.call import ServiceError

# Signing names that differ from boto3's name of their one service.
SIGNING_NAMES = {
    "access-analyzer": "accessanalyzer",
    "aidevops": "devops-agent",
    "airflow": "mwaa",
    "aoss": "opensearchserverless",
    "aps": "amp",
    "awsssoportal": "sso",
    "cloudcontrolapi": "cloudcontrol",
    "elasticfilesystem": "efs",
    "elasticmapreduce": "emr",
    "email": "ses",
    "geo": "location",
    "iotdata": "iot-data",
    "mobiletargeting": "pinpoint",
    "monitoring": "cloudwatch",
    "s3-outposts": "s3outposts",
    "servicequotas": "service-quotas",
    "sso": "sso-admin",
    "sso-oauth": "sso-oidc",
    "states": "stepfunctions",
    "tagging": "resourcegroupstaggingapi",
}
# Signing names of several services, the one that answers where their operations are called alike first.
SHARED_NAMES = {
    "apigateway": ("apigateway", "apigatewayv2"),
    "appconfig": ("appconfig", "appconfigdata"),
    "aws-marketplace": ("meteringmarketplace", "marketplace-catalog", "marketplace-entitlement"),
    "bedrock": ("bedrock", "bedrock-agent", "bedrock-runtime", "bedrock-agent-runtime"),
    "bedrock-agentcore": ("bedrock-agentcore-control", "bedrock-agentcore"),
    "cassandra": ("keyspaces", "keyspacesstreams"),
    "cloudhsm": ("cloudhsmv2", "cloudhsm"),
    "es": ("opensearch", "es"),
    "forecast": ("forecast", "forecastquery"),
    "greengrass": ("greengrass", "greengrassv2"),
    "ivs": ("ivs", "ivs-realtime"),
    "kinesisanalytics": ("kinesisanalyticsv2", "kinesisanalytics"),
    "kinesisvideo": ("kinesisvideo", "kinesis-video-archived-media"),
    "lex": ("lexv2-models", "lex-models", "lexv2-runtime", "lex-runtime"),
    "mediastore": ("mediastore", "mediastore-data"),
    "personalize": ("personalize", "personalize-runtime", "personalize-events"),
    "rds": ("rds", "neptune", "docdb"),
    "sagemaker": ("sagemaker", "sagemaker-runtime", "sagemaker-metrics"),
    "servicecatalog": ("servicecatalog", "servicecatalog-appregistry"),
    "ses": ("ses", "sesv2", "pinpoint-email"),
    "timestream": ("timestream-write", "timestream-query"),
}
ELB_VERSIONS = {"2012-06-01": "elb", "2015-12-01": "elbv2"}
ACCOUNT_HOST = re.compile(r"^(?P<account>\d{12})\.s3-control\.")
ACCOUNT_PATH = "/v20180820/"  # of every operation of s3control


def first_service(name: str) -> str:
    """One service of a signing name, for what its services have in common: their host names."""
    return SHARED_NAMES[name][0] if name in SHARED_NAMES else SIGNING_NAMES.get(name, name)


def service_named(name: str, request: Request) -> str:
    """Find boto3's name of the service that a request with this signing name is for."""
    if name == "elasticloadbalancing":
        version = request.values.get("Version", "")
        if version not in ELB_VERSIONS:
            raise ServiceError("InvalidAction", f"no load balancing API of version {version!r}")
        return ELB_VERSIONS[version]
    if name == "s3" and (ACCOUNT_HOST.match(request.host) or request.path.startswith(ACCOUNT_PATH)):
        return "s3control"
    if name == "dynamodb" and request.headers.get("X-Amz-Target", "").startswith("DynamoDBStreams"):
        return "dynamodbstreams"
    if name in SHARED_NAMES:
        return next((one for one in SHARED_NAMES[name] if _routes(one, request)), SHARED_NAMES[name][0])
    return SIGNING_NAMES.get(name, name)


def _routes(service: str, request: Request) -> bool:
    try:
        get_service_router(service).match(request)
    except (NotFound, NotImplementedError):
        return False
    return True
