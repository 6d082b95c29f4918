"""Documents that the code writes itself: OpenAPI, AsyncAPI and `.env.example`.

Reads:  the services' routes, events and settings.
Writes: nothing but the files of `DOCUMENTS`, by `make docs`; a test holds them to the code.
Owns:   those files.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.docs.asyncapi import asyncapi
from deploy.docs.env_example import env_example
from deploy.docs.openapi import gateway_api, history_api, ingest_api

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""

DOCUMENTS: Mapping[str, Callable[[], str]] = {
    "docs/openapi/gateway.json": gateway_api,
    "docs/openapi/history.json": history_api,
    "docs/openapi/ingest.json": ingest_api,
    "docs/asyncapi.json": asyncapi,
    ".env.example": env_example,
}
"""What each generated file must hold."""
