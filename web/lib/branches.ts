import { request } from './api';
import type { Message, Siblings, Stored } from './messages';

/** What there is beside messages, by their ids.
 *
 * A question that was asked on this page has the page's own id, the stored one the server's: it is known by its answer.
 */
export type Beside = ReadonlyMap<string, Siblings | null>;

/** Shows a branch of a session with this message on it, to everybody who opens it from now on; its last answer's id.
 *
 * @throws Problem 404: there is no such message.
 */
export async function showBranch(sessionId: string, messageId: string): Promise<string> {
  const init = { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ message_id: messageId }) };
  return (await request<{ message_id: string }>(`/v1/sessions/${sessionId}/branch`, init)).message_id;
}

/** What stands beside each of these messages, oldest first. */
export function besideOf(stored: readonly Stored[]): Beside {
  return new Map(stored.flatMap((message, index) => namesOf(message, stored[index + 1]).map(name => [name, message.siblings ?? null] as const)));
}

/** The messages with what is beside them now. */
export function withSiblings(messages: readonly Message[], beside: Beside): Message[] {
  return messages.map((message, index) => {
    const name = namesOf(message, messages[index + 1]).find(one => beside.has(one));
    return name === undefined ? message : { ...message, metadata: { ...message.metadata, siblings: beside.get(name)! } };
  });
}

interface Named {
  readonly id: string;
  readonly role: string;
}

function namesOf(message: Named, next: Named | undefined): string[] {
  return message.role === 'user' && next?.role === 'assistant' ? [message.id, `question of ${next.id}`] : [message.id];
}
