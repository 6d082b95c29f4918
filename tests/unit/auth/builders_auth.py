"""Issuers, keys and tokens for the tests of identity."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from libs.auth.cognito import TokenVerifier
from libs.clock import Clock

CLIENT_ID = "eloquenttest"
POOL_ID = "local:11111111-2222-4333-8444-555555555555"
IDENTITY_ID = "local:99999999-2222-4333-8444-555555555555"
NOW = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


class Hands:
    """A clock whose hands a test turns."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **by: float) -> None:
        self.now += timedelta(**by)


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """A key pair of the test run, always the same for a name."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def jwk(name: str, **more: Any) -> dict[str, Any]:
    """The public half as a JWK; its kid is the name."""
    return {**json.loads(RSAAlgorithm.to_jwk(rsa_key(name).public_key())), "use": "sig", "kid": name, **more}


class Issuer:
    """A real HTTP server with two key sets, `/pool` being the user pool's issuer; it counts what it is asked."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.asked: list[str] = []
        self.status = 200
        self.headers: dict[str, str] = {}
        self.raw: bytes | None = None
        self.answering = threading.Event()
        self.answering.set()
        self.keys = {
            "/pool/.well-known/jwks.json": [jwk("user-1", alg="RS256")],
            "/.well-known/jwks_uri": [jwk("guest-1", alg="RS512")],
        }

    @property
    def pool(self) -> str:
        return f"{self.url}/pool"

    @property
    def user_keys(self) -> list[dict[str, Any]]:
        return self.keys["/pool/.well-known/jwks.json"]

    def count(self) -> int:
        """Fetches of the user pool's keys."""
        return self.asked.count("/pool/.well-known/jwks.json")

    def body(self, path: str) -> bytes:
        return self.raw if self.raw is not None else json.dumps({"keys": self.keys.get(path, [])}).encode()


@contextmanager
def an_issuer() -> Iterator[Issuer]:
    """A running issuer on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            issuer.answering.wait(10)
            body = issuer.body(self.path)
            self.send_response(issuer.status)
            for name, value in issuer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except ConnectionError:
                return  # the verifier hung up on a body that is too large: as it should

        def log_message(self, *_: Any) -> None:
            """The test's output is enough."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer = Issuer(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield issuer
        finally:
            issuer.answering.set()
            server.shutdown()
            thread.join()


def a_verifier(issuer: Issuer, clock: Clock, **more: int) -> TokenVerifier:
    """A verifier that trusts this issuer."""
    return TokenVerifier(
        user_pool_issuer=issuer.pool,
        user_pool_jwks_url=f"{issuer.pool}/.well-known/jwks.json",
        client_id=CLIENT_ID,
        identity_issuer=issuer.url,
        identity_jwks_url=f"{issuer.url}/.well-known/jwks_uri",
        identity_pool_id=POOL_ID,
        clock=clock,
        **more,
    )


def user_claims(issuer: Issuer, now: datetime = NOW, **changed: Any) -> dict[str, Any]:
    """The claims of a good access token; None takes one away."""
    claims = {
        "iss": issuer.pool,
        "sub": "7d8ca528-4931-4254-9273-ea5ee853f271",
        "client_id": CLIENT_ID,
        "token_use": "access",
        "iat": now.timestamp(),
        "exp": (now + timedelta(hours=1)).timestamp(),
        **changed,
    }
    return {name: value for name, value in claims.items() if value is not None}


def guest_claims(issuer: Issuer, now: datetime = NOW, **changed: Any) -> dict[str, Any]:
    """The claims of a good guest token; None takes one away."""
    claims = {
        "iss": issuer.url,
        "sub": IDENTITY_ID,
        "aud": POOL_ID,
        "amr": ["unauthenticated"],
        "iat": now.timestamp(),
        "exp": (now + timedelta(minutes=10)).timestamp(),
        **changed,
    }
    return {name: value for name, value in claims.items() if value is not None}


def in_groups(*groups: str) -> dict[str, Any]:
    """The claim that names a token's groups."""
    return {"cognito:groups": list(groups)}


def signed(claims: dict[str, Any], *, key: str = "user-1", alg: str = "RS256", **header: Any) -> str:
    """A token signed with this key, which it also names."""
    return jwt.encode(claims, rsa_key(key), algorithm=alg, headers={"kid": key, **header})


def a_user_token(issuer: Issuer, now: datetime = NOW, *, key: str = "user-1", **changed: Any) -> str:
    """A good access token but for what is changed."""
    return signed(user_claims(issuer, now, **changed), key=key)


def a_guest_token(issuer: Issuer, now: datetime = NOW, **changed: Any) -> str:
    """A good guest token but for what is changed."""
    return signed(guest_claims(issuer, now, **changed), key="guest-1", alg="RS512", typ="JWS")
