"""Users, confirmation codes and sign-ins in SQLite; safe to call from several threads."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

Purpose = Literal["sign_up", "reset_password"]

_SCHEMA = """
    CREATE TABLE IF NOT EXISTS users (
        sub TEXT PRIMARY KEY,
        email TEXT NOT NULL UNIQUE,
        password_hash TEXT NOT NULL,
        is_confirmed INTEGER NOT NULL,
        groups TEXT NOT NULL,
        created_at REAL NOT NULL
    );
    CREATE TABLE IF NOT EXISTS codes (
        sub TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
        purpose TEXT NOT NULL,
        code TEXT NOT NULL,
        expires_at REAL NOT NULL,
        tries_left INTEGER NOT NULL,
        PRIMARY KEY (sub, purpose)
    );
    CREATE TABLE IF NOT EXISTS sign_ins (
        origin_jti TEXT PRIMARY KEY,
        sub TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
        refresh_digest BLOB NOT NULL UNIQUE,
        signed_in_at REAL NOT NULL,
        expires_at REAL NOT NULL
    );
    CREATE INDEX IF NOT EXISTS sign_ins_of_user ON sign_ins (sub);
"""
_USER = "SELECT sub, email, password_hash, is_confirmed, groups FROM users"
_SIGN_IN = "SELECT origin_jti, sub, signed_in_at, expires_at FROM sign_ins"


@dataclass(frozen=True)
class User:
    """A user of the pool; `email` is lower-case."""

    sub: str
    email: str
    password_hash: str
    is_confirmed: bool
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class SignIn:
    """One sign-in, for as long as its refresh token stands; times are Unix seconds."""

    origin_jti: str
    sub: str
    signed_in_at: float
    expires_at: float


class Store:
    """The provider's state in one file.

    Args:
        path: the SQLite file; made when it is not there.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        # SQLite gives its other files the rights of this one.
        path.touch(mode=0o600)
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON;" + _SCHEMA)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        with self._lock:
            self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            yield self._db

    def user_by_email(self, email: str) -> User | None:
        return self._user(f"{_USER} WHERE email = ?", email.lower())

    def user_by_sub(self, sub: str) -> User | None:
        return self._user(f"{_USER} WHERE sub = ?", sub)

    def _user(self, query: str, value: str) -> User | None:
        with self._lock:
            row = self._db.execute(query, (value,)).fetchone()
        return None if row is None else User(row[0], row[1], row[2], bool(row[3]), tuple(json.loads(row[4])))

    def forget_unconfirmed(self, *, before: float) -> None:
        """Who signed up before this and never confirmed makes room."""
        with self._transaction() as db:
            db.execute("DELETE FROM users WHERE NOT is_confirmed AND created_at < ?", (before,))

    def add_user(self, user: User, *, now: float) -> bool:
        """Whether the email was free."""
        with self._transaction() as db:
            added = db.execute(
                "INSERT INTO users VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (email) DO NOTHING",
                (user.sub, user.email, user.password_hash, user.is_confirmed, json.dumps(user.groups), now),
            )
            return added.rowcount == 1

    def confirm_user(self, sub: str) -> None:
        with self._transaction() as db:
            db.execute("UPDATE users SET is_confirmed = 1 WHERE sub = ?", (sub,))

    def set_groups(self, sub: str, groups: tuple[str, ...]) -> None:
        with self._transaction() as db:
            db.execute("UPDATE users SET groups = ? WHERE sub = ?", (json.dumps(groups), sub))

    def set_password(self, sub: str, password_hash: str) -> None:
        """The new password holds, and every sign-in with the old one is over."""
        with self._transaction() as db:
            db.execute("UPDATE users SET password_hash = ? WHERE sub = ?", (password_hash, sub))
            db.execute("DELETE FROM sign_ins WHERE sub = ?", (sub,))

    def set_code(self, sub: str, purpose: Purpose, code: str, *, expires_at: float, tries: int) -> None:
        """This code holds, no earlier one does."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO codes VALUES (?, ?, ?, ?, ?)", (sub, purpose, code, expires_at, tries))

    def try_code(self, sub: str, purpose: Purpose, code: str, *, now: float) -> Literal["right", "wrong", "none"]:
        """Right uses the code up, wrong uses up one try; none: it expired, has no tries left, or never was."""
        with self._transaction() as db:
            key = (sub, purpose)
            row = db.execute(
                "SELECT code FROM codes WHERE sub = ? AND purpose = ? AND expires_at > ? AND tries_left > 0",
                (*key, now),
            ).fetchone()
            if row is None:
                return "none"
            if row[0] == code:
                db.execute("DELETE FROM codes WHERE sub = ? AND purpose = ?", key)
                return "right"
            db.execute("UPDATE codes SET tries_left = tries_left - 1 WHERE sub = ? AND purpose = ?", key)
            return "wrong"

    def add_sign_in(self, sign_in: SignIn, refresh_digest: bytes) -> None:
        """It stands until it expires or is revoked; expired ones are forgotten."""
        with self._transaction() as db:
            db.execute("DELETE FROM sign_ins WHERE expires_at <= ?", (sign_in.signed_in_at,))
            db.execute(
                "INSERT INTO sign_ins VALUES (?, ?, ?, ?, ?)",
                (sign_in.origin_jti, sign_in.sub, refresh_digest, sign_in.signed_in_at, sign_in.expires_at),
            )

    def sign_in_by_refresh_token(self, refresh_digest: bytes) -> SignIn | None:
        return self._sign_in(f"{_SIGN_IN} WHERE refresh_digest = ?", refresh_digest)

    def sign_in(self, origin_jti: str) -> SignIn | None:
        return self._sign_in(f"{_SIGN_IN} WHERE origin_jti = ?", origin_jti)

    def _sign_in(self, query: str, value: str | bytes) -> SignIn | None:
        with self._lock:
            row = self._db.execute(query, (value,)).fetchone()
        return None if row is None else SignIn(*row)

    def end_sign_in(self, origin_jti: str) -> None:
        with self._transaction() as db:
            db.execute("DELETE FROM sign_ins WHERE origin_jti = ?", (origin_jti,))

    def end_sign_ins(self, sub: str) -> None:
        with self._transaction() as db:
            db.execute("DELETE FROM sign_ins WHERE sub = ?", (sub,))
