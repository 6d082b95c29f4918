"""A local identity provider with the API and the token shapes of Amazon Cognito: a user pool and a pool of guests.

Reads: JSON calls on `POST /`, as an SDK for Cognito sends them.
Writes: tokens, key sets, and confirmation codes into its log.
Owns: its users, refresh tokens and signing keys in `IDENTITY_DIR`.
"""
