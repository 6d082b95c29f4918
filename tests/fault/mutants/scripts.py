"""Changing a script of the product in this process."""

import hashlib

from libs.bus.scripts import Script


def replace(script: Script, old: str, new: str) -> None:
    """The script says `new` in place of `old` from here on.

    Raises:
        LookupError: it does not say `old`: the product has moved on, and the mutant must too.
    """
    if old not in script.source:
        raise LookupError(f"the script does not say {old!r} any more")
    script.source = script.source.replace(old, new)
    script.sha = hashlib.sha1(script.source.encode(), usedforsecurity=False).hexdigest()
