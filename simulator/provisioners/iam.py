"""IAM: roles, inline policies, managed policies."""

from __future__ import annotations

from simulator.provisioners.model import Inputs, Made, Site, given, provisioner, tag_list


def _role(site: Site, inputs: Inputs) -> Made:
    optional = given(
        inputs,
        Description="description",
        Path="path",
        MaxSessionDuration="maxSessionDuration",
        PermissionsBoundary="permissionsBoundary",
    )
    if "MaxSessionDuration" in optional:
        optional["MaxSessionDuration"] = int(optional["MaxSessionDuration"])
    if tags := tag_list(inputs):
        optional["Tags"] = tags
    role = site.client("iam").create_role(
        RoleName=inputs["name"], AssumeRolePolicyDocument=inputs["assumeRolePolicy"], **optional
    )["Role"]
    return Made(role["RoleName"], {"arn": role["Arn"], "uniqueId": role["RoleId"]})


def _role_policy(site: Site, inputs: Inputs) -> Made:
    site.client("iam").put_role_policy(
        RoleName=inputs["role"], PolicyName=inputs["name"], PolicyDocument=inputs["policy"]
    )
    return Made(f"{inputs['role']}:{inputs['name']}")


def _attachment(site: Site, inputs: Inputs) -> Made:
    site.client("iam").attach_role_policy(RoleName=inputs["role"], PolicyArn=inputs["policyArn"])
    return Made(f"{inputs['role']}-{inputs['policyArn']}")


def _policy(site: Site, inputs: Inputs) -> Made:
    optional = given(inputs, Description="description", Path="path")
    if tags := tag_list(inputs):
        optional["Tags"] = tags
    policy = site.client("iam").create_policy(PolicyName=inputs["name"], PolicyDocument=inputs["policy"], **optional)[
        "Policy"
    ]
    return Made(policy["Arn"], {"arn": policy["Arn"], "policyId": policy["PolicyId"]})


PROVISIONERS = (
    provisioner(
        "aws:iam/role:Role",
        "name assumeRolePolicy description path maxSessionDuration permissionsBoundary",
        _role,
    ),
    provisioner("aws:iam/rolePolicy:RolePolicy", "name role policy", _role_policy),
    provisioner("aws:iam/rolePolicyAttachment:RolePolicyAttachment", "role policyArn", _attachment),
    provisioner("aws:iam/policy:Policy", "name policy description path", _policy),
)
