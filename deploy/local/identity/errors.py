"""Refusals in Cognito's words: `code` is the exception's name that its SDKs turn into a class."""

from libs.errors import RequestError


def refusal(name: str, message: str) -> RequestError:
    """A 400 with Cognito's exception name; `api` gives it Cognito's form."""
    return RequestError(message, status=400, code=name)


def wrong_credentials() -> RequestError:
    """The same for an unknown user and a wrong password, as with PreventUserExistenceErrors."""
    return refusal("NotAuthorizedException", "Incorrect username or password.")
