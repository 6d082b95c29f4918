import { BACKEND } from './config';
import { distrust, token } from './identity';

/** An answer that is not a success (RFC 9457); `status` 0: nobody answered. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    /** When it is worth trying again, where the server says so. */
    readonly retrySeconds: number | null = null,
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
  const response = await succeeded(path, init);
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** A file, and the name that the server gives it; `otherwise` when that is kept from us.
 *
 * @throws Problem when it does not succeed, or breaks off.
 */
export async function fetchFile(path: string, otherwise: string): Promise<{ file: Blob; name: string }> {
  const response = await succeeded(path, {});
  const name = nameIn(response.headers.get('content-disposition') ?? '') ?? otherwise;
  try {
    return { file: await response.blob(), name };
  } catch (error) {
    throw new Problem(0, 'unreachable', String(error));
  }
}

/** The name that a server gives a file (RFC 6266), in all its letters where it has other ones than English. */
function nameIn(disposition: string): string | undefined {
  const whole = /filename\*=UTF-8''([\w.~%!$&+^`|-]+)/i.exec(disposition)?.[1];
  return whole === undefined ? /filename="([^"]+)"/.exec(disposition)?.[1] : decodeURIComponent(whole);
}

/** The answer of a call that succeeds, with its body still to be read. */
export async function succeeded(path: string, init: RequestInit): Promise<Response> {
  let response = await send(path, init);
  if (response.status === 401) response = await send(path, init);
  if (!response.ok) throw await problemOf(response);
  return response;
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
  return parseProblem(response.status, await response.text().catch(() => ''), response.headers.get('retry-after'));
}

/** A problem from a response's body, whatever stands in it. */
export function parseProblem(status: number, body: string, retryAfter: string | null): Problem {
  const seconds = retryAfter === null || Number.isNaN(Number(retryAfter)) ? null : Number(retryAfter);
  try {
    const { code, detail } = JSON.parse(body) as { code?: string; detail?: string };
    return new Problem(status, code ?? `http_${status}`, detail ?? '', seconds);
  } catch {
    return new Problem(status, `http_${status}`, '', seconds);
  }
}
