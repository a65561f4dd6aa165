"""What a resource's name tells of it before AWS does.

`pulumi up --continue-on-error` skips what depends on a resource that failed, but checks its inputs first, and an
input that is not known is none then: where it is required the whole run ends, other accounts with it
(pulumi/pulumi#16133; pkg/resource/deploy/step_generator.go hands unknown values to providers in previews alone). So
members name each other by values that follow from names.
"""

from __future__ import annotations

import pulumi


def known(of: pulumi.Resource, value: str) -> pulumi.Output[str]:
    """A property of a resource by its value, known even where the resource failed; it depends on the resource still."""
    return of.urn.apply(lambda _: value)
