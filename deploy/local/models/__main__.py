"""`python -m deploy.local.models`."""

from deploy.local.models.settings import ModelsSettings
from deploy.local.models.wiring import create_app
from libs.config import load
from libs.errors import PermanentError
from libs.service.app import serve


def main() -> None:
    """Serve until stopped.

    Raises:
        SystemExit: the settings or the models are not in order; its message says what to do.
    """
    [settings] = load(ModelsSettings)
    try:
        app = create_app(settings)
    except PermanentError as error:
        raise SystemExit(f"Cannot start: {error}") from error
    serve(app, settings)


if __name__ == "__main__":
    main()
