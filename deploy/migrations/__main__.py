"""`python -m deploy.migrations`: the rules and the released files; `--note` adds new files to the released ones."""

import argparse
import sys

from deploy.migrations.released import RELEASED, changed, note, read
from deploy.migrations.rules import findings, judged
from libs.db.migrate import read_folder, service_folders


def main() -> int:
    """1 when something must be mended; it is on the standard error."""
    parser = argparse.ArgumentParser(prog="python -m deploy.migrations", description="Look at every migration.")
    parser.add_argument("--note", action="store_true", help="add the files that are new, which then cannot change")
    arguments = parser.parse_args()
    migrations = [migration for folder in service_folders() for migration in read_folder(folder)]
    if arguments.note:
        for file in note(RELEASED, migrations):
            print(f"noted {file}")
    released = read(RELEASED)
    problems = [*changed(migrations, released), *judged(findings(migrations), released)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
