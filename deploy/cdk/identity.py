"""Who may ask: a user pool with its hosted sign-in, and an identity pool that lets guests in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import Aws, Duration, SecretValue
from aws_cdk import aws_cognito as cognito
from constructs import Construct

from deploy.cdk.config import Stage
from deploy.cdk.logs import removal

EDITORS = "editors"


@dataclass(frozen=True)
class Identity:
    """What the services and API Gateway must know of it."""

    pool: cognito.UserPool
    client_id: str
    identity_pool_id: str
    issuer: str


def build_identity(scope: Construct, stage: Stage) -> Identity:
    """People sign in by the hosted pages with PKCE, or in a page of ours; guests get an identity and a token."""
    pool = cognito.UserPool(
        scope,
        "users",
        user_pool_name=stage.prefix,
        sign_in_aliases=cognito.SignInAliases(email=True),
        self_sign_up_enabled=True,
        auto_verify=cognito.AutoVerifiedAttrs(email=True),
        account_recovery=cognito.AccountRecovery.EMAIL_ONLY,
        password_policy=cognito.PasswordPolicy(
            min_length=12, require_digits=True, require_lowercase=True, require_uppercase=True, require_symbols=True
        ),
        mfa=cognito.Mfa.OPTIONAL,
        mfa_second_factor=cognito.MfaSecondFactor(sms=False, otp=True),
        deletion_protection=stage.keep,
        removal_policy=removal(stage),
    )
    cognito.CfnUserPoolGroup(
        scope,
        "editors",
        user_pool_id=pool.user_pool_id,
        group_name=EDITORS,
        description="May add documents that everybody is answered from",
    )
    pool.add_domain("sign-in", cognito_domain=cognito.CognitoDomainOptions(domain_prefix=stage.prefix))
    providers = [_social(scope, stage, pool, name) for name in stage.social]
    client = pool.add_client(
        "page",
        user_pool_client_name=f"{stage.prefix}-page",
        generate_secret=False,
        prevent_user_existence_errors=True,
        # The page and the terminal client send the password, by TLS and to Cognito alone; others may use SRP.
        auth_flows=cognito.AuthFlow(user_srp=True, user_password=True),
        access_token_validity=Duration.hours(1),
        id_token_validity=Duration.hours(1),
        refresh_token_validity=Duration.days(30),
        supported_identity_providers=[cognito.UserPoolClientIdentityProvider.COGNITO, *(one[1] for one in providers)],
        # A public client: without a secret, the code is only given for the verifier it was asked with (PKCE).
        o_auth=cognito.OAuthSettings(
            flows=cognito.OAuthFlows(authorization_code_grant=True),
            scopes=[cognito.OAuthScope.OPENID, cognito.OAuthScope.EMAIL, cognito.OAuthScope.COGNITO_ADMIN],
            callback_urls=list(stage.callbacks),
            logout_urls=list(stage.callbacks),
        ),
    )
    for provider, _ in providers:
        client.node.add_dependency(provider)
    guests = cognito.CfnIdentityPool(
        scope,
        "guests",
        identity_pool_name=stage.prefix,
        allow_unauthenticated_identities=True,
        # GetOpenIdToken, whose token the services verify, is of the classic flow. The pool has no roles at all: an
        # identity of it gets a token, and no credentials for AWS.
        allow_classic_flow=True,
        cognito_identity_providers=[
            cognito.CfnIdentityPool.CognitoIdentityProviderProperty(
                client_id=client.user_pool_client_id,
                provider_name=pool.user_pool_provider_name,
                server_side_token_check=True,
            )
        ],
    )
    issuer = f"https://cognito-idp.{stage.region}.{Aws.URL_SUFFIX}/{pool.user_pool_id}"
    return Identity(pool, client.user_pool_client_id, guests.ref, issuer)


def _social(
    scope: Construct, stage: Stage, pool: cognito.UserPool, name: str
) -> tuple[Construct, cognito.UserPoolClientIdentityProvider]:
    known: Mapping[str, Callable[..., Any]] = {
        "GOOGLE": cognito.UserPoolIdentityProviderGoogle,
        "FACEBOOK": cognito.UserPoolIdentityProviderFacebook,
        "AMAZON": cognito.UserPoolIdentityProviderAmazon,
    }
    secret = f"{stage.path}/{name.lower()}"
    client_id = SecretValue.secrets_manager(secret, json_field="client_id").unsafe_unwrap()
    client_secret = SecretValue.secrets_manager(secret, json_field="client_secret")
    given = {
        "GOOGLE": {"client_id": client_id, "client_secret_value": client_secret},
        "FACEBOOK": {"client_id": client_id, "client_secret": client_secret.unsafe_unwrap()},
        "AMAZON": {"client_id": client_id, "client_secret": client_secret.unsafe_unwrap()},
    }[name]
    scopes = {"AMAZON": ["profile"], "FACEBOOK": ["public_profile", "email"], "GOOGLE": ["openid", "email"]}[name]
    mapped = {
        "GOOGLE": cognito.ProviderAttribute.GOOGLE_EMAIL,
        "FACEBOOK": cognito.ProviderAttribute.FACEBOOK_EMAIL,
        "AMAZON": cognito.ProviderAttribute.AMAZON_EMAIL,
    }[name]
    provider = known[name](
        scope,
        f"social-{name.lower()}",
        user_pool=pool,
        scopes=scopes,
        attribute_mapping=cognito.AttributeMapping(email=mapped),
        **given,
    )
    return provider, getattr(cognito.UserPoolClientIdentityProvider, name)
