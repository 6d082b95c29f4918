"""`python -m gateway`."""

from gateway.settings import ApiGatewaySettings, EdgeSettings, GatewaySettings
from gateway.wiring import build
from libs.config import IdentitySettings, ProcessSettings, RedisSettings, load
from libs.service.app import serve


def main() -> None:
    """Serve until the process is told to stop."""
    process, redis, identity, edge, gateway, api_gateway = load(
        ProcessSettings, RedisSettings, IdentitySettings, EdgeSettings, GatewaySettings, ApiGatewaySettings
    )
    serve(
        build(redis, identity, edge, gateway, api_gateway),
        process,
        stall_seconds=gateway.send_seconds,
        drain_seconds=gateway.drain_seconds,
    )


if __name__ == "__main__":
    main()
