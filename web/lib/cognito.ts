import { identityConfig } from './config';

/** A refusal of Cognito's; `name` is its exception, such as `NotAuthorizedException`. */
export class CognitoError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

export interface Tokens {
  readonly AccessToken: string;
  readonly RefreshToken?: string;
}

type Attributes = Readonly<Record<string, unknown>>;

const USERS = 'AWSCognitoIdentityProviderService';
const GUESTS = 'AWSCognitoIdentityService';

async function call<T>(service: string, operation: string, body: Attributes): Promise<T> {
  const config = await identityConfig();
  const endpoint = service === USERS ? config.user_pool_endpoint : config.identity_pool_endpoint;
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `${service}.${operation}` },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as T & { __type?: string; message?: string };
  if (response.ok) return answer;
  // Amazon puts a namespace before the name: `com.amazonaws.…#NotAuthorizedException`.
  throw new CognitoError(answer.__type?.split('#').pop() ?? 'InternalErrorException', answer.message ?? '');
}

async function client<T>(operation: string, body: Attributes): Promise<T> {
  const config = await identityConfig();
  return call<T>(USERS, operation, { ClientId: config.user_pool_client_id, ...body });
}

/** A new guest's identity. */
export async function newGuest(): Promise<string> {
  const config = await identityConfig();
  const answer = await call<{ IdentityId: string }>(GUESTS, 'GetId', { IdentityPoolId: config.identity_pool_id });
  return answer.IdentityId;
}

/** A token of ten minutes for a guest. */
export async function guestToken(identityId: string): Promise<string> {
  const answer = await call<{ Token: string }>(GUESTS, 'GetOpenIdToken', { IdentityId: identityId });
  return answer.Token;
}

export async function signUp(email: string, password: string): Promise<void> {
  const attributes = [{ Name: 'email', Value: email }];
  await client('SignUp', { Username: email, Password: password, UserAttributes: attributes });
}

export async function confirmSignUp(email: string, code: string): Promise<void> {
  await client('ConfirmSignUp', { Username: email, ConfirmationCode: code });
}

export async function resendCode(email: string): Promise<void> {
  await client('ResendConfirmationCode', { Username: email });
}

export async function forgotPassword(email: string): Promise<void> {
  await client('ForgotPassword', { Username: email });
}

export async function confirmForgotPassword(email: string, code: string, password: string): Promise<void> {
  await client('ConfirmForgotPassword', { Username: email, ConfirmationCode: code, Password: password });
}

export async function passwordTokens(email: string, password: string): Promise<Tokens> {
  return authenticate('USER_PASSWORD_AUTH', { USERNAME: email, PASSWORD: password });
}

export async function refreshedTokens(refreshToken: string): Promise<Tokens> {
  return authenticate('REFRESH_TOKEN_AUTH', { REFRESH_TOKEN: refreshToken });
}

/** This browser's sign-in ends. */
export async function revoke(refreshToken: string): Promise<void> {
  await client('RevokeToken', { Token: refreshToken });
}

/** Every sign-in of the user ends. */
export async function signOutEverywhere(accessToken: string): Promise<void> {
  await call(USERS, 'GlobalSignOut', { AccessToken: accessToken });
}

async function authenticate(flow: string, parameters: Attributes): Promise<Tokens> {
  const answer = await client<{ AuthenticationResult?: Tokens; ChallengeName?: string }>('InitiateAuth', {
    AuthFlow: flow,
    AuthParameters: parameters,
  });
  if (answer.AuthenticationResult) return answer.AuthenticationResult;
  throw new CognitoError('ChallengeException', answer.ChallengeName ?? '');
}
