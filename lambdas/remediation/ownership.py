"""Who manages a resource, as its tags tell: a change outside the code that made it comes back.

Source: CloudFormation User Guide, "Resource tags"; AWS CDK, SAM, Service Catalog, Auto Scaling, Elastic Beanstalk and
Amazon EKS user guides on the tags that they set; Kubernetes cloud provider and AWS Load Balancer Controller, "owned"
tags. Terraform, OpenTofu and Pulumi set none by themselves: what people's default tags commonly say counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

# Stacks of these are Control Tower's own.
CONTROL_TOWER = ("StackSet-AWSControlTower", "AWSControlTower")
CODE = {"terraform": "Terraform", "opentofu": "OpenTofu", "pulumi": "Pulumi", "cdk": "AWS CDK"}
MANAGED_BY = ("managedby", "managed-by", "managed_by", "provisioner", "iac", "created-by", "createdby")
Named = Callable[[str], str]
BY_KEY: Mapping[str, Named] = {
    "aws:eks:cluster-name": lambda value: f"Kubernetes (EKS cluster {value})",
    "eks:cluster-name": lambda value: f"Kubernetes (EKS cluster {value})",
    "elbv2.k8s.aws/cluster": lambda value: f"Kubernetes (cluster {value})",
    "kubernetescluster": lambda value: f"Kubernetes (cluster {value})",
    "aws:servicecatalog:provisionedproductarn": lambda value: f"Service Catalog ({value})",
    "elasticbeanstalk:environment-name": lambda value: f"Elastic Beanstalk (environment {value})",
    "aws:autoscaling:groupname": lambda value: f"Auto Scaling (group {value})",
    "aws-control-tower": lambda value: "Control Tower",
    "pulumi:project": lambda value: f"Pulumi (project {value})",
    "pulumi-project": lambda value: f"Pulumi (project {value})",
    "pulumi:stack": lambda value: f"Pulumi (stack {value})",
}
CLUSTER = "kubernetes.io/cluster/"
# What tagging tools say of the place in the code, in the order in which it reads well (Yor's documentation, "tags").
PLACES = ("git_org", "git_repo", "git_file")
LOGICAL_ID = "aws:cloudformation:logical-id"


def managers_of(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Name who manages a resource with these tags, in a stable order; nobody is known where it is empty."""
    found: dict[str, None] = {}
    for key, value in sorted(tags.items()):
        if manager := _manager(key, value):
            found[manager] = None
    return tuple(found)


def place_in_code(tags: Mapping[str, str]) -> str | None:
    """Where the code of a resource lies, as far as its tags tell: repository and file, or the id in its template."""
    known = [tags[name] for name in PLACES if tags.get(name)]
    if known:
        return "/".join(known)
    logical = tags.get(LOGICAL_ID)
    return f"{logical} in the template" if logical else None


def _manager(key: str, value: str) -> str | None:
    low = key.lower()
    if low == "aws:cloudformation:stack-name":
        owner = "Control Tower" if value.startswith(CONTROL_TOWER) else "CloudFormation"
        return f"{owner} (stack {value})"
    if low.startswith(CLUSTER):
        return f"Kubernetes (cluster {key[len(CLUSTER) :]})" if value == "owned" else None
    if low in BY_KEY:
        return BY_KEY[low](value)
    if low in MANAGED_BY:
        return next((name for word, name in CODE.items() if word in value.lower()), None)
    return CODE.get(low) if value.lower() not in ("", "false", "no") else None
