"""Passwords: Cognito's default policy, and Argon2id."""

from functools import cached_property

import argon2

PASSWORD_MIN_CHARACTERS = 8
PASSWORD_MAX_CHARACTERS = 256
"""Cognito's limits."""

_SYMBOLS = frozenset("^$*.[]{}()?\"!@#%&/\\,><':;|_~`=+- ")


def policy_breach(password: str) -> str | None:
    """What Cognito's default policy has against it, in Cognito's words; None when nothing."""
    wanted = {
        "Password not long enough": len(password) >= PASSWORD_MIN_CHARACTERS,
        "Password too long": len(password) <= PASSWORD_MAX_CHARACTERS,
        "Password must have numeric characters": any(character.isdigit() for character in password),
        "Password must have symbol characters": any(character in _SYMBOLS for character in password),
        "Password must have uppercase characters": any(character.isupper() for character in password),
        "Password must have lowercase characters": any(character.islower() for character in password),
    }
    broken = next((rule for rule, kept in wanted.items() if not kept), None)
    return None if broken is None else f"Password did not conform with policy: {broken}"


class Passwords:
    """Argon2id in the smallest form OWASP recommends: 19 MiB, two passes, about 25 ms."""

    def __init__(self) -> None:
        self._argon2 = argon2.PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)

    def hash(self, password: str) -> str:
        """What is stored instead of the password."""
        return self._argon2.hash(password)

    def match(self, password: str, password_hash: str | None) -> bool:
        """Whether it is the one; takes as long for a user who does not exist (None)."""
        try:
            return self._argon2.verify(password_hash or self._nobodys, password) and password_hash is not None
        except argon2.exceptions.VerifyMismatchError:
            return False

    @cached_property
    def _nobodys(self) -> str:
        return self._argon2.hash("nobody")
