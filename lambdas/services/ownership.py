"""Who manages a resource, as its tags tell: a change outside the code that made it comes back.

Source: CloudFormation User Guide, "Resource tags"; AWS CDK, SAM, Service Catalog, Auto Scaling, Elastic Beanstalk and
Amazon EKS user guides on the tags that they set; Kubernetes cloud provider and AWS Load Balancer Controller, "owned"
tags. Terraform, OpenTofu and Pulumi set none by themselves: what people's default tags commonly say counts.
"""

from __future__ import annotations

from collections.abc import Mapping

AUTO_SCALING = "aws:autoscaling:groupName"
STACK = "aws:cloudformation:stack-name"
LOGICAL_ID = "aws:cloudformation:logical-id"
EKS = "eks:cluster-name"
BEANSTALK = "elasticbeanstalk:environment-name"
# With the cluster's name behind it; `owned` by it, or `shared` with it.
CLUSTER = "kubernetes.io/cluster/"
# Stacks of these are Control Tower's own.
CONTROL_TOWER = ("StackSet-AWSControlTower", "AWSControlTower")
CODE = {"terraform": "Terraform", "opentofu": "OpenTofu", "pulumi": "Pulumi", "cdk": "AWS CDK"}
MANAGED_BY = ("managedby", "managed-by", "managed_by", "provisioner", "iac", "created-by", "createdby")
# Tags of those who make a resource anew when it is gone.
KEEPERS: Mapping[str, str] = {
    "aws:eks:cluster-name": "Kubernetes (EKS cluster {})",
    "eks:eks-cluster-name": "Kubernetes (EKS cluster {})",
    EKS: "Kubernetes (EKS cluster {})",
    "elbv2.k8s.aws/cluster": "Kubernetes (cluster {})",
    "kubernetescluster": "Kubernetes (cluster {})",
    BEANSTALK: "Elastic Beanstalk (environment {})",
}
MANAGERS: Mapping[str, str] = {
    "aws:servicecatalog:provisionedproductarn": "Service Catalog ({})",
    AUTO_SCALING.lower(): "Auto Scaling (group {})",
    "aws-control-tower": "Control Tower",
    "pulumi:project": "Pulumi (project {})",
    "pulumi-project": "Pulumi (project {})",
    "pulumi:stack": "Pulumi (stack {})",
}
# What tagging tools say of the place in the code, in the order in which it reads well (Yor's documentation, "tags").
PLACES = ("git_org", "git_repo", "git_file")


def managers_of(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Name who manages a resource with these tags, in a stable order; nobody is known where it is empty."""
    return tuple(dict.fromkeys(manager for key, value in sorted(tags.items()) if (manager := _manager(key, value))))


def keepers_of(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Name who would make a resource with these tags anew if it were gone, in a stable order."""
    return tuple(dict.fromkeys(keeper for key, value in sorted(tags.items()) if (keeper := _keeper(key, value))))


def place_in_code(tags: Mapping[str, str]) -> str | None:
    """Where the code of a resource lies, as far as its tags tell: repository and file, or the id in its template."""
    known = [tags[name] for name in PLACES if tags.get(name)]
    if known:
        return "/".join(known)
    logical = tags.get(LOGICAL_ID)
    return f"{logical} in the template" if logical else None


def _manager(key: str, value: str) -> str | None:
    low = key.lower()
    if low == STACK:
        owner = "Control Tower" if value.startswith(CONTROL_TOWER) else "CloudFormation"
        return f"{owner} (stack {value})"
    if low in MANAGERS:
        return MANAGERS[low].format(value)
    if low in MANAGED_BY:
        return next((name for word, name in CODE.items() if word in value.lower()), None)
    if low in CODE:
        return CODE[low] if value.lower() not in ("", "false", "no") else None
    return _keeper(key, value)


def _keeper(key: str, value: str) -> str | None:
    low = key.lower()
    if low.startswith(CLUSTER):
        return f"Kubernetes (cluster {key[len(CLUSTER) :]})" if value == "owned" else None
    return KEEPERS[low].format(value) if low in KEEPERS else None
