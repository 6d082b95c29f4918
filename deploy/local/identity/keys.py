"""Signing keys: made once, kept in a file only the owner can read, published as a JSON Web Key Set."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm


@dataclass(frozen=True)
class SigningKey:
    """An RSA key with its algorithm.

    Attributes:
        kid: from the key itself, so another key never has the same.
        public_jwk: what the key set publishes.
        secret: 32 bytes only this provider knows, the same at every start.
    """

    private: rsa.RSAPrivateKey
    algorithm: str
    kid: str
    public_jwk: dict[str, Any]
    secret: bytes

    @classmethod
    def load_or_create(cls, path: Path, *, algorithm: str) -> Self:
        """The key in this file; a new 2048-bit one is written there when there is none."""
        if not path.exists():
            _write_private(path, rsa.generate_private_key(public_exponent=65537, key_size=2048))
        pem = path.read_bytes()
        private = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(private, rsa.RSAPrivateKey):
            raise SystemExit(f"{path} is not an RSA key. Remove it and a new one is made; everybody signs in again.")
        jwk = json.loads(RSAAlgorithm.to_jwk(private.public_key()))
        kid = hashlib.sha256(jwk["n"].encode()).hexdigest()[:32]
        public = {"kty": "RSA", "use": "sig", "alg": algorithm, "kid": kid, "n": jwk["n"], "e": jwk["e"]}
        return cls(private, algorithm, kid, public, hashlib.sha256(pem).digest())

    @property
    def key_set(self) -> dict[str, Any]:
        """The JSON Web Key Set with this key."""
        return {"keys": [self.public_jwk]}


def _write_private(path: Path, key: rsa.RSAPrivateKey) -> None:
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    # Whole or not at all: half a key would stop every later start.
    half = path.with_suffix(".new")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(descriptor)
    half.replace(path)
