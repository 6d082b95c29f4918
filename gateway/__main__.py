"""`python -m gateway`."""

from gateway.settings import ApiGatewaySettings, EdgeSettings, GatewaySettings
from gateway.wiring import build
from libs.config import IdentitySettings, ProcessSettings, RedisSettings, load
from libs.contracts.plans import PlanSettings
from libs.service.app import serve
from libs.service.metrics import metrics_at


def main() -> None:
    """Serve until the process is told to stop."""
    process, redis, identity, edge, gateway, api_gateway, plans = load(
        *(ProcessSettings, RedisSettings, IdentitySettings, EdgeSettings, GatewaySettings),
        *(ApiGatewaySettings, PlanSettings),
    )
    with metrics_at(process.host, gateway.metrics_port):
        serve(
            build(redis, identity, edge, gateway, api_gateway, plans=plans),
            process,
            stall_seconds=gateway.send_seconds,
            drain_seconds=gateway.drain_seconds,
        )


if __name__ == "__main__":
    main()
