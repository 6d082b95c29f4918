"""Runs a service after its flaw was put in: nothing of the product knows about it."""

import importlib
import runpy
import sys


def main() -> None:
    """Become the service."""
    flaw, service, *arguments = sys.argv[1:]
    importlib.import_module(f"tests.fault.mutants.{flaw}").put_in()
    sys.argv = [service, *arguments]
    runpy.run_module(service, run_name="__main__", alter_sys=True)


main()
