import * as cognito from './cognito';
import { BACKEND } from './config';

const PATIENCE_MS = 6_000;

/** What a guest has asked becomes the account's, with what is being answered; safe to repeat.
 *
 * @returns how many sessions have moved; null when nobody could be asked, and it is to be tried again.
 */
export async function claimGuest(identityId: string, accessToken: string): Promise<number | null> {
  try {
    const guest = await cognito.guestToken(identityId);
    const response = await fetch(`${BACKEND}/v1/sessions/claim`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${accessToken}` },
      body: JSON.stringify({ guest_token: guest }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if (response.ok) return ((await response.json()) as { sessions: number }).sessions;
    // A guest that is not taken for one now never will be.
    return response.status === 422 ? 0 : null;
  } catch (error) {
    return error instanceof cognito.CognitoError && error.name === 'ResourceNotFoundException' ? 0 : null;
  }
}
