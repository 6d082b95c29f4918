import type { SessionChat } from './session-chat';

/** Reads backwards until the message is there, or the session has no earlier ones. */
export async function reveal(session: SessionChat, messageId: string): Promise<void> {
  const isThere = (): boolean => session.chat.messages.some(message => message.id === messageId);
  for (let earlier = session.view.value.earlier; earlier !== null && !isThere(); ) {
    await session.loadEarlier();
    // The same place again: it could not be read.
    if (session.view.value.earlier === earlier) return;
    earlier = session.view.value.earlier;
  }
}
