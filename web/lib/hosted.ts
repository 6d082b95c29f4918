import type { Tokens } from './cognito';
import { identityConfig, type HostedUi } from './config';

/** What is kept between leaving for the hosted pages and coming back from them, for this tab alone. */
interface Journey {
  readonly state: string;
  readonly verifier: string;
  readonly back: string;
}

const KEY = 'eloquent.sign-in-journey';
const SCOPES = 'openid email aws.cognito.signin.user.admin';
export const RETURN_PATH = '/sign-in';

/** The user pool's own pages, where there are some and the browser can prove that it is the one that left. */
export async function hostedUi(): Promise<HostedUi | null> {
  const config = await identityConfig();
  // No digest without https, and none is needed where nothing was configured.
  return config.hosted_ui && globalThis.isSecureContext ? config.hosted_ui : null;
}

/** Leaves for the hosted pages: authorization code with PKCE (RFC 7636), to one provider or to choose among all. */
export async function leaveForHostedUi(provider: string | null): Promise<void> {
  const config = await identityConfig();
  if (!config.hosted_ui) return;
  const journey: Journey = { state: secret(), verifier: secret(), back: location.pathname + location.search };
  sessionStorage.setItem(KEY, JSON.stringify(journey));
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(journey.verifier));
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: config.user_pool_client_id,
    redirect_uri: location.origin + RETURN_PATH,
    scope: SCOPES,
    state: journey.state,
    code_challenge_method: 'S256',
    code_challenge: base64Url(new Uint8Array(digest)),
    ...(provider ? { identity_provider: provider } : {}),
  });
  location.assign(`${config.hosted_ui.url}/oauth2/authorize?${query}`);
}

/** Tokens for the code that the hosted pages have sent along, and where the journey began.
 *
 * @throws Error when this tab did not leave, somebody declined, or the code is not taken.
 */
export async function returnFromHostedUi(query: URLSearchParams): Promise<{ tokens: Tokens; email: string; back: string }> {
  const journey = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Journey | null;
  // Once: who comes by this address again does not come from there.
  sessionStorage.removeItem(KEY);
  const code = query.get('code');
  if (!journey || !code || query.get('state') !== journey.state) throw new Error(query.get('error') ?? 'another journey');
  const config = await identityConfig();
  const response = await fetch(`${config.hosted_ui?.url}/oauth2/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: config.user_pool_client_id,
      redirect_uri: location.origin + RETURN_PATH,
      code,
      code_verifier: journey.verifier,
    }),
  });
  if (!response.ok) throw new Error(`/oauth2/token answered ${response.status}`);
  const found = (await response.json()) as { access_token: string; refresh_token: string; id_token: string };
  const tokens = { AccessToken: found.access_token, RefreshToken: found.refresh_token };
  return { tokens, email: emailIn(found.id_token), back: journey.back };
}

/** Where the hosted pages forget who was signed in there. */
export async function hostedSignOut(): Promise<string | null> {
  const config = await identityConfig();
  if (!config.hosted_ui) return null;
  const query = new URLSearchParams({ client_id: config.user_pool_client_id, logout_uri: `${location.origin}/` });
  return `${config.hosted_ui.url}/logout?${query}`;
}

function emailIn(idToken: string): string {
  const bytes = Uint8Array.from(atob((idToken.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')), character =>
    character.charCodeAt(0),
  );
  const claims = JSON.parse(new TextDecoder().decode(bytes)) as { email?: string; 'cognito:username'?: string };
  return claims.email ?? claims['cognito:username'] ?? '';
}

function secret(): string {
  return base64Url(crypto.getRandomValues(new Uint8Array(48)));
}

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
