"""`python -m tests.abuse [--examples n] [--seed n]`: every API of a fresh run, asked for minutes."""

import argparse
import asyncio
import secrets
import sys
import tempfile
from pathlib import Path

import httpx

from tests.abuse.apis import APIS, ROOM, address_of, complaints
from tests.e2e.people import editor_of
from tests.e2e.stack import running_stack


async def asked(*, examples: int, seed: int) -> bool:
    """Whether every API answered as its document says; what it did else is printed."""
    good = True
    with tempfile.TemporaryDirectory() as folder:
        document = Path(folder) / "transfers.md"
        document.write_text("# Transfers\n\nA standard transfer takes ten seconds.\n")
        async with running_stack(**ROOM) as stack, httpx.AsyncClient(trust_env=False, timeout=30.0) as http:
            editor = await editor_of(stack, http)
            await editor.publish(document)
            for name in APIS:
                found = await complaints(
                    address_of(stack, name),
                    token=await editor.token(),
                    examples=examples,
                    seed=seed,
                    is_door=name == "gateway",
                )
                print(f"{name}: {found or 'as documented'}", flush=True)
                good = good and not found
    return good


def main() -> None:
    """Exit with 1 when an API answered what its document does not know."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=200, help="random requests per operation")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**31))
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    sys.exit(0 if asyncio.run(asked(examples=given.examples, seed=given.seed)) else 1)


if __name__ == "__main__":
    main()
