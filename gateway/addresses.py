"""Who is counted as one client by address."""

from ipaddress import IPv4Address, ip_address, ip_network

from starlette.requests import HTTPConnection

IPV6_PREFIX_BITS = 64


def address_of(connection: HTTPConnection, *, trusted_proxies: int) -> str:
    """The client's address, as `network_of` counts it.

    Args:
        connection: a request or a socket.
        trusted_proxies: how many of ours stand in front; each adds whom it was called by to X-Forwarded-For.
    """
    peer = connection.client.host if connection.client else ""
    if not trusted_proxies:
        return network_of(peer)
    forwarded = ",".join(connection.headers.getlist("x-forwarded-for")).split(",")
    # Counted from the end: what stands before our own proxies' words is the client's, who can write what it likes.
    if len(forwarded) < trusted_proxies or not forwarded[-trusted_proxies].strip():
        return network_of(peer)
    return network_of(forwarded[-trusted_proxies].strip())


def network_of(address: str) -> str:
    """An IPv4 address, or the IPv6 network that one household or server has."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, IPV6_PREFIX_BITS), strict=False))
