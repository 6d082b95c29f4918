"""Documents that the code writes itself: OpenAPI, AsyncAPI, `.env.example`, costs, what `docker-compose.yml` includes.

Reads:  the services' routes, events and settings.
Writes: nothing but the files of `DOCUMENTS`, by `make docs`; a test holds them to the code.
Owns:   those files.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.compose.dashboard import dashboard
from deploy.compose.scraping import scraping
from deploy.compose.settings_file import settings_file
from deploy.cost.document import document as cost
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
    "deploy/compose/settings.yml": settings_file,
    "deploy/compose/observability/prometheus.yml": scraping,
    "deploy/compose/observability/grafana/dashboards/eloquent.json": dashboard,
    "docs/cost.md": cost,
}
"""What each generated file must hold."""
