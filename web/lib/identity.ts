import { claimGuest } from './claim';
import * as cognito from './cognito';
import { CognitoError, type Tokens } from './cognito';
import { hostedSignOut } from './hosted';
import { kept, Store } from './store';

/** Who uses this browser: a guest until somebody signs in. */
export interface Account {
  readonly email: string | null;
  readonly groups: readonly string[];
}

interface Held {
  readonly token: string;
  readonly renewAt: number;
}

interface SignIn {
  readonly email: string;
  readonly refreshToken: string;
  /** The user pool's own pages know of it too. */
  readonly isHosted?: boolean;
}

/** A guest whose sessions an account is to have. */
interface PendingClaim {
  readonly email: string;
  readonly identityId: string;
}

const GUEST_KEY = 'eloquent.guest';
const SIGN_IN_KEY = 'eloquent.sign-in';
const CLAIM_KEY = 'eloquent.claim';
/** So long before its end a token is renewed: a frame may wait for a connection. */
const MARGIN_SECONDS = 90;
const GUEST: Account = { email: null, groups: [] };

/** `undefined` until the browser has been asked. */
export const account = new Store<Account | undefined>(undefined);
/** Set when a sign-in ended by itself. */
export const signedOut = new Store(false);
/** What a claim has moved, latest last. */
export const claimed = new Store<{ readonly sessions: number } | null>(null);

let held: Held | undefined;
let asking: Promise<string> | undefined;

/** Reads who is signed in, and follows what other tabs do about it. */
export function watchAccount(): () => void {
  account.set(readAccount());
  const changed = (event: StorageEvent): void => {
    if (event.key !== SIGN_IN_KEY && event.key !== GUEST_KEY) return;
    held = undefined;
    account.set(readAccount());
  };
  window.addEventListener('storage', changed);
  window.addEventListener('online', claimAgain);
  claimAgain();
  return () => {
    window.removeEventListener('storage', changed);
    window.removeEventListener('online', claimAgain);
  };
}

/** A token that is valid for a while; callers at the same time share one request. */
export async function token(): Promise<string> {
  if (held && Date.now() < held.renewAt) return held.token;
  asking ??= renew().finally(() => {
    asking = undefined;
  });
  return asking;
}

/** The server did not take the token: the next one is new. */
export function distrust(refused: string): void {
  if (held?.token === refused) held = undefined;
}

export async function signIn(email: string, password: string): Promise<void> {
  await enter(email, await cognito.passwordTokens(email, password));
}

/** Somebody has proved who they are: what they asked as a guest is theirs, also what is being answered. */
export async function enter(email: string, tokens: Tokens, { isHosted = false } = {}): Promise<void> {
  const guest = kept.read(GUEST_KEY);
  // Before anybody knows of the sign-in: what is open in this tab and in others stays open.
  const sessions = guest ? await claimGuest(guest, tokens.AccessToken) : 0;
  if (guest && sessions === null) kept.write(CLAIM_KEY, JSON.stringify({ email, identityId: guest } satisfies PendingClaim));
  kept.write(SIGN_IN_KEY, JSON.stringify({ email, refreshToken: tokens.RefreshToken ?? '', isHosted } satisfies SignIn));
  // Whoever uses this browser as a guest after them is another one.
  kept.write(GUEST_KEY, null);
  signedOut.set(false);
  become({ email, groups: hold(tokens.AccessToken).groups });
  if (sessions) claimed.set({ sessions });
}

export async function signOut({ everywhere = false } = {}): Promise<void> {
  const signedIn = readSignIn();
  const access = everywhere ? await token() : undefined;
  forgetSignIn();
  // Signed out here whatever comes of it; the token ends by itself later.
  if (access) await cognito.signOutEverywhere(access).catch(() => undefined);
  else if (signedIn) await cognito.revoke(signedIn.refreshToken).catch(() => undefined);
  const elsewhere = signedIn?.isHosted ? await hostedSignOut().catch(() => null) : null;
  if (elsewhere) location.assign(elsewhere);
}

/** A claim that nobody could be asked for is made as soon as somebody can. */
function claimAgain(): void {
  const pending = readKept<PendingClaim>(CLAIM_KEY);
  if (!pending || pending.email !== readSignIn()?.email) return;
  void token()
    .then(access => claimGuest(pending.identityId, access))
    .then(sessions => {
      if (sessions === null) return;
      kept.write(CLAIM_KEY, null);
      claimed.set({ sessions });
    })
    .catch(() => undefined);
}

async function renew(): Promise<string> {
  const signedIn = readSignIn();
  if (!signedIn) {
    const guest = await guestToken();
    // Somebody has signed in meanwhile.
    return readSignIn() ? renew() : hold(guest).token;
  }
  try {
    const { token: access, groups } = hold((await cognito.refreshedTokens(signedIn.refreshToken)).AccessToken);
    become({ email: signedIn.email, groups });
    return access;
  } catch (error) {
    if (!(error instanceof CognitoError) || error.name !== 'NotAuthorizedException') throw error;
    signedOut.set(true);
    forgetSignIn();
    return hold(await guestToken()).token;
  }
}

async function guestToken(): Promise<string> {
  // Two tabs that open at the same time are one guest.
  if (!('locks' in navigator)) return guestTokenAlone();
  return navigator.locks.request(GUEST_KEY, guestTokenAlone);
}

async function guestTokenAlone(): Promise<string> {
  const known = kept.read(GUEST_KEY);
  if (known) {
    try {
      return await cognito.guestToken(known);
    } catch (error) {
      // Another pool, or one that was made anew: this guest is gone.
      if (!(error instanceof CognitoError) || error.name !== 'ResourceNotFoundException') throw error;
    }
  }
  const identityId = await cognito.newGuest();
  kept.write(GUEST_KEY, identityId);
  return cognito.guestToken(identityId);
}

function hold(received: string): { token: string; groups: readonly string[] } {
  const claims = claimsOf(received);
  // By the token's length of life, not by the clock of this machine, which may be wrong.
  const seconds = (claims.exp ?? 0) - (claims.iat ?? 0);
  held = { token: received, renewAt: Date.now() + Math.max(seconds - MARGIN_SECONDS, 10) * 1000 };
  return { token: received, groups: claims['cognito:groups'] ?? [] };
}

function forgetSignIn(): void {
  kept.write(SIGN_IN_KEY, null);
  const pending = readKept<PendingClaim>(CLAIM_KEY);
  // What could not be claimed stays the guest's.
  if (pending) kept.write(GUEST_KEY, pending.identityId);
  kept.write(CLAIM_KEY, null);
  held = undefined;
  account.set(GUEST);
}

function become(next: Account): void {
  const now = account.value;
  if (now?.email !== next.email || now?.groups.join() !== next.groups.join()) account.set(next);
}

function readAccount(): Account {
  const signedIn = readSignIn();
  return signedIn ? { email: signedIn.email, groups: [] } : GUEST;
}

function readSignIn(): SignIn | undefined {
  const found = readKept<SignIn>(SIGN_IN_KEY);
  return found?.refreshToken ? found : undefined;
}

function readKept<T>(key: string): T | null {
  try {
    return JSON.parse(kept.read(key) ?? 'null') as T | null;
  } catch {
    return null;
  }
}

interface Claims {
  readonly exp?: number;
  readonly iat?: number;
  readonly 'cognito:groups'?: readonly string[];
}

function claimsOf(jwt: string): Claims {
  const body = (jwt.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
  return JSON.parse(atob(body)) as Claims;
}
