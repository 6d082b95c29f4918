import { request } from './api';
import type { Feedback, Message } from './messages';
import type { SessionChat } from './session-chat';

/** Says what one thinks of an answer, or with null nothing any more; it is shown at once.
 *
 * @throws Problem when it could not be stored; then what was there before is shown again.
 */
export async function rate(session: SessionChat, message: Message, rating: Feedback['rating'] | null, reason: string | null): Promise<void> {
  const path = `/v1/sessions/${session.id}/messages/${message.id}/feedback`;
  const before = message.metadata?.feedback ?? null;
  show(session, message.id, rating && { rating, reason });
  try {
    if (rating === null) await request(path, { method: 'DELETE' });
    else await request(path, { method: 'PUT', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ rating, reason }) });
  } catch (error) {
    show(session, message.id, before);
    throw error;
  }
}

function show(session: SessionChat, messageId: string, feedback: Feedback | null): void {
  session.chat.messages = session.chat.messages.map(message =>
    message.id === messageId ? { ...message, metadata: { ...message.metadata, feedback } } : message,
  );
}
