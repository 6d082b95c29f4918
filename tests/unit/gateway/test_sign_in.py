"""Where clients are sent to sign in."""

from gateway.settings import EdgeSettings
from gateway.sign_in import identity_of
from libs.config import IdentitySettings

HISTORY, INGEST = "http://history", "http://ingest"


def test_amazons_pools_are_asked_in_their_own_regions() -> None:
    """Tokens of guests have one issuer in the world, which answers no calls."""
    settings = IdentitySettings(
        cognito_user_pool_issuer="https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abc",
        cognito_client_id="client",
        cognito_identity_pool_id="eu-central-1:00000000-0000-4000-8000-000000000000",
    )

    identity = identity_of(EdgeSettings(history_api_url=HISTORY, ingest_api_url=INGEST), settings)

    assert identity.user_pool_endpoint == "https://cognito-idp.eu-west-1.amazonaws.com"
    assert identity.identity_pool_endpoint == "https://cognito-identity.eu-central-1.amazonaws.com"


def test_an_endpoint_that_is_given_is_for_both() -> None:
    """The local provider is one for users and guests, at an address that is not its issuer's name."""
    settings = IdentitySettings(
        cognito_user_pool_issuer="http://identity.local/local_pool",
        cognito_client_id="client",
        cognito_identity_pool_id="local:00000000-0000-4000-8000-000000000000",
        cognito_identity_issuer="http://identity.local",
    )

    edge = EdgeSettings(history_api_url=HISTORY, ingest_api_url=INGEST, identity_endpoint="http://127.0.0.1:8003")

    identity = identity_of(edge, settings)

    assert identity.endpoint == "http://127.0.0.1:8003"
    assert identity.user_pool_endpoint == identity.identity_pool_endpoint == "http://127.0.0.1:8003"


def test_a_pool_with_pages_of_its_own_says_where_they_are() -> None:
    """The page may call them for its tokens; what providers they offer is said as Cognito calls them."""
    settings = IdentitySettings(
        cognito_user_pool_issuer="https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abc",
        cognito_client_id="client",
        cognito_identity_pool_id="eu-west-1:00000000-0000-4000-8000-000000000000",
    )
    edge = EdgeSettings(
        history_api_url=HISTORY,
        ingest_api_url=INGEST,
        cognito_hosted_ui_url="https://acme.auth.eu-west-1.amazoncognito.com/",
        cognito_identity_providers=("Google", "SignInWithApple"),
    )

    identity = identity_of(edge, settings)

    assert identity.hosted_ui is not None
    assert identity.hosted_ui.url == "https://acme.auth.eu-west-1.amazoncognito.com"
    assert identity.hosted_ui.providers == ("Google", "SignInWithApple")
    assert identity.hosted_ui.url in identity.addresses


def test_a_pool_without_pages_says_so() -> None:
    """Then there is nothing to lead people to, and nothing more that the page may call."""
    settings = IdentitySettings(
        cognito_user_pool_issuer="https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Abc",
        cognito_client_id="client",
        cognito_identity_pool_id="eu-west-1:00000000-0000-4000-8000-000000000000",
    )

    identity = identity_of(EdgeSettings(history_api_url=HISTORY, ingest_api_url=INGEST), settings)

    assert identity.hosted_ui is None
    assert identity.addresses == (identity.user_pool_endpoint, identity.identity_pool_endpoint)
