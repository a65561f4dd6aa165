"""Sets of networks: whether they add up to the whole internet, and which of them are needed for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

Network = IPv4Network | IPv6Network


def of_version(cidrs: Iterable[str], version: int) -> list[Network]:
    """Return the networks of one address family."""
    return [network for network in map(ip_network, cidrs) if network.version == version]


def is_world(networks: Sequence[Network]) -> bool:
    """Whether networks of one family together are the whole of it."""
    return any(network.prefixlen == 0 for network in collapse_addresses(networks))


def cover(admitted: Mapping[str, Sequence[Network]]) -> set[str]:
    """Return the fewest names, the widest first, whose networks add up to the world; none where they do not."""
    if not is_world([network for networks in admitted.values() for network in networks]):
        return set()
    needed = dict(admitted)
    narrowest_first = sorted(admitted, key=lambda name: sum(one.num_addresses for one in admitted[name]))
    for name in narrowest_first:
        others = [network for other, networks in needed.items() if other != name for network in networks]
        if is_world(others):
            del needed[name]
    return set(needed)
