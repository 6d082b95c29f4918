"""`python -m deploy.local.identity`."""

from deploy.local.identity.settings import LocalIdentitySettings
from deploy.local.identity.wiring import build
from libs.config import ProcessSettings, load
from libs.service.app import serve


def main() -> None:
    """Serve until stopped."""
    process, settings = load(ProcessSettings, LocalIdentitySettings)
    serve(build(settings, process), process)


if __name__ == "__main__":
    main()
