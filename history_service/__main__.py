"""`python -m history_service worker` or `python -m history_service api`."""

import sys

from history_service.settings import HistorySettings
from history_service.wiring import api_app, worker_app
from libs.config import IdentitySettings, PostgresSettings, ProcessSettings, RedisSettings, load
from libs.contracts.plans import PlanSettings
from libs.service.app import serve

USAGE = "usage: python -m history_service worker|api"


def main(arguments: list[str]) -> None:
    """Run the process until it is told to stop.

    Raises:
        SystemExit: no such process, or a bad environment; the message says which.
    """
    match arguments:
        case ["worker"]:
            process, history, redis, postgres = load(ProcessSettings, HistorySettings, RedisSettings, PostgresSettings)
            serve(worker_app(history, redis, postgres), process)
        case ["api"]:
            process, history, postgres, identity, plans = load(
                ProcessSettings, HistorySettings, PostgresSettings, IdentitySettings, PlanSettings
            )
            serve(api_app(history, postgres, identity, plans), process)
        case _:
            raise SystemExit(USAGE)


if __name__ == "__main__":
    main(sys.argv[1:])
