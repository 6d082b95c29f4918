"""`python3 deploy/compose/passwords.py >> .env`: the passwords that the compose file asks for, new ones each time.

It needs no package: whoever has only containers and a Python makes them with it.
"""

import secrets

NAMES = ("VALKEY_PASSWORD", "POSTGRES_PASSWORD", "EDITOR_PASSWORD", "GRAFANA_PASSWORD")
RANDOM_BYTES = 24


def main() -> None:
    """Print one line for each."""
    for name in NAMES:
        # The prefix has one of each kind of character, as Cognito's policy for passwords asks. No character of them
        # means anything in an address or in a configuration file.
        print(f"{name}=Ab-1{secrets.token_urlsafe(RANDOM_BYTES)}")


if __name__ == "__main__":
    main()
