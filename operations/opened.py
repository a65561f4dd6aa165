"""Opens SSH to the world in a profile's account, and watches it be closed: what people try after `palisade up`.

python operations/opened.py team-1
"""

from __future__ import annotations

import sys
import time

import boto3
from botocore.exceptions import BotoCoreError, ClientError

PATIENCE = 300


def main(profile: str) -> int:
    """Open a security group and wait; the exit code is 1 where it stays open, 2 where it could not be opened."""
    try:
        client = boto3.Session(profile_name=profile).client("ec2")
        group = client.create_security_group(GroupName=f"opened-{time.time_ns()}", Description="tried by a person")
        identifier = group["GroupId"]
        client.authorize_security_group_ingress(
            GroupId=identifier, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0"
        )
        begun = time.monotonic()
        while client.describe_security_groups(GroupIds=[identifier])["SecurityGroups"][0]["IpPermissions"]:
            passed = time.monotonic() - begun
            if passed > PATIENCE:
                print(f"{identifier} is still open after {PATIENCE} seconds")
                return 1
            print(f"{identifier} lets the world in by SSH ({passed:.0f} s)", flush=True)
            time.sleep(1)
    except (BotoCoreError, ClientError) as error:
        print(f"opened: {error}; use a shell that points at the local organisation", file=sys.stderr)
        return 2
    print(f"{identifier} was closed after {time.monotonic() - begun:.0f} s")
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("opened: name the profile of a member account, for example team-1")
    sys.exit(main(sys.argv[1]))
