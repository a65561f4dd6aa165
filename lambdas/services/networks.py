"""Networks and sets of them: whether they add up to the whole internet, and which are needed for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, collapse_addresses

Network = IPv4Network | IPv6Network

# RFC 1918, RFC 6598 and RFC 4193. The standard library also calls documentation and reserved ranges private.
PRIVATE_IPV4 = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10")))
PRIVATE_IPV6 = IPv6Network("fc00::/7")


def is_private(network: Network) -> bool:
    """Whether none of a network's addresses is reached over the internet."""
    if isinstance(network, IPv6Network):
        return network.subnet_of(PRIVATE_IPV6)
    return any(network.subnet_of(private) for private in PRIVATE_IPV4)


def is_world(networks: Iterable[Network]) -> bool:
    """Whether networks together are the whole of an address family."""
    every = list(networks)
    four = collapse_addresses(one for one in every if isinstance(one, IPv4Network))
    six = collapse_addresses(one for one in every if isinstance(one, IPv6Network))
    collapsed: list[Network] = [*four, *six]
    return any(network.prefixlen == 0 for network in collapsed)


def cover(admitted: Mapping[str, Sequence[Network]]) -> set[str]:
    """Return the fewest names, the widest first, whose networks add up to the world; none where they do not."""
    if not is_world(network for networks in admitted.values() for network in networks):
        return set()
    needed = dict(admitted)
    narrowest_first = sorted(admitted, key=lambda name: sum(one.num_addresses for one in admitted[name]))
    for name in narrowest_first:
        if is_world(network for other, networks in needed.items() if other != name for network in networks):
            del needed[name]
    return set(needed)
