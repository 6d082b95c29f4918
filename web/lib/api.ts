import { BACKEND } from './config';
import { distrust, token } from './identity';

/** An answer that is not a success (RFC 9457); `status` 0: nobody answered. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail);
  }
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

/** One call of the API in the account's name.
 *
 * @throws Problem when it does not succeed.
 */
export async function request<T>(path: string, init: RequestInit = {}): Promise<T> {
  let response = await send(path, init);
  if (response.status === 401) response = await send(path, init);
  if (!response.ok) throw await problemOf(response);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

async function send(path: string, init: RequestInit): Promise<Response> {
  try {
    const bearer = await token();
    const headers = { ...init.headers, authorization: `Bearer ${bearer}` };
    const response = await fetch(BACKEND + path, { ...init, headers });
    if (response.status === 401) distrust(bearer);
    return response;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Problem(0, 'unreachable', String(error));
  }
}

async function problemOf(response: Response): Promise<Problem> {
  return parseProblem(response.status, await response.text().catch(() => ''));
}

/** A problem from a response's body, whatever stands in it. */
export function parseProblem(status: number, body: string): Problem {
  try {
    const { code, detail } = JSON.parse(body) as { code?: string; detail?: string };
    return new Problem(status, code ?? `http_${status}`, detail ?? '');
  } catch {
    return new Problem(status, `http_${status}`, '');
  }
}
