"""`python -m deploy.restore drill | facts | verify`: addresses come from the environment, as they hold passwords.

`drill` backs up `DRILL_SOURCE_URL` and restores into a new database of `DRILL_TARGET_URL`'s server. `facts` prints what
`DRILL_SOURCE_URL` holds; `verify FILE` holds `DRILL_TARGET_URL`, restored by whatever means, to it.
"""

import argparse
import asyncio
import sys
from pathlib import Path

import asyncpg
from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from deploy.restore.backup import BackupError
from deploy.restore.drill import Report, drill, facts_now
from deploy.restore.facts import Facts
from deploy.restore.verify import verify
from libs.config import Settings, load


class DrillSettings(Settings):
    """Which databases; they have no meaning to any service."""

    model_config = SettingsConfigDict(env_prefix="DRILL_", frozen=True, env_ignore_empty=True)

    source_url: SecretStr = Field(SecretStr(""), description="Address of the database that is backed up; only read")
    target_url: SecretStr = Field(SecretStr(""), description="Address of the restored database, or of its server")


async def _drill(settings: DrillSettings) -> Report:
    return await drill(settings.source_url.get_secret_value(), settings.target_url.get_secret_value())


async def _verify(settings: DrillSettings, before: Facts, allowed: float) -> Report:
    report = Report(before.taken_at)
    with report.timed("verify"):
        report.checks = await verify(settings.target_url.get_secret_value(), before, allowed=allowed)
    return report


def main() -> int:
    """0 when what was restored is what was there."""
    parser = argparse.ArgumentParser(prog="python -m deploy.restore", description="Try a restore before it is needed.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("drill", help="back up, restore beside it, verify, remove")
    commands.add_parser("facts", help="print what the source holds")
    of_file = commands.add_parser("verify", help="hold the target to facts from a file")
    of_file.add_argument("facts", type=Path)
    of_file.add_argument("--allowed", type=float, default=0.0, help="share by which rows may differ")
    arguments = parser.parse_args()
    (settings,) = load(DrillSettings)
    needed = {"drill": ("source_url", "target_url"), "facts": ("source_url",), "verify": ("target_url",)}
    for name in needed[arguments.command]:
        if not getattr(settings, name).get_secret_value():
            parser.error(f"DRILL_{name.upper()} is missing")
    try:
        if arguments.command == "facts":
            print(asyncio.run(facts_now(settings.source_url.get_secret_value())).to_json())
            return 0
        if arguments.command == "drill":
            report = asyncio.run(_drill(settings))
        else:
            before = Facts.from_json(arguments.facts.read_text())
            report = asyncio.run(_verify(settings, before, arguments.allowed))
    except (BackupError, OSError, asyncpg.PostgresError) as error:
        print(error, file=sys.stderr)
        return 1
    print(*report.lines(), sep="\n")
    return 0 if report.holds else 1


if __name__ == "__main__":
    sys.exit(main())
