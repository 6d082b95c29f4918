"""`python -m deploy.local`: everything on this machine, with one command."""

import asyncio
import os
import sys
from contextlib import ExitStack

from dotenv import dotenv_values

from deploy.local.environment import compose, validate
from deploy.local.launching import Launcher
from deploy.local.log_lines import Log
from deploy.local.model_choice import choose_chat_model
from deploy.local.plan import unused_ports
from deploy.local.ports import plan_ports, require_free
from deploy.local.settings import ENV_FILE, LocalSettings
from deploy.local.state import ROOT, load_secrets, locked, new_secrets
from deploy.local.supervisor import Supervisor
from libs.config import load


def main() -> int:
    """The exit code, after a run."""
    given = {name: value for name, value in dotenv_values(ENV_FILE).items() if value is not None} | dict(os.environ)
    # Before the folder and the ports are touched: what they would be makes no difference to what is wrong.
    validate(compose(given, ports=plan_ports(8000), folder=ROOT, secrets=new_secrets()).environment)
    (settings,) = load(LocalSettings)
    ports = plan_ports(settings.port)
    folder = settings.local_dir.resolve()
    with ExitStack() as stack:
        stack.enter_context(locked(folder))
        # First, for it takes as long as all the rest: it imports while we look at the settings.
        launcher = Launcher()
        stack.callback(launcher.close)
        # Documents are nobody else's business; whoever makes the folder later would leave it open.
        (folder / "blobs").mkdir(mode=0o700, exist_ok=True)
        given |= choose_chat_model(given)
        composition = compose(given, ports=ports, folder=folder, secrets=load_secrets(folder))
        require_free(ports, unused=unused_ports(composition.embedded, ports))
        person = settings.log_format == "text" or (settings.log_format == "auto" and sys.stdout.isatty())
        log = Log(level=composition.environment.get("LOG_LEVEL", "INFO"), raw=not person, colour=sys.stdout.isatty())
        supervisor = Supervisor(settings, composition, ports=ports, log=log, launcher=launcher)
        return asyncio.run(supervisor.run())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        # Before the run itself listens for it.
        sys.exit(130)
