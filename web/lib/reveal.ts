import type { SessionChat } from './session-chat';

/** Reads backwards until the message is there; when it is on another branch, that one is shown. */
export async function reveal(session: SessionChat, messageId: string): Promise<void> {
  const isThere = (): boolean => session.chat.messages.some(message => message.id === messageId);
  // Where there is no such message, nothing changes.
  if (!isThere()) await session.switchTo(messageId).catch(() => undefined);
  for (let earlier = session.view.value.earlier; earlier !== null && !isThere(); ) {
    await session.loadEarlier();
    // The same place again: it could not be read.
    if (session.view.value.earlier === earlier) return;
    earlier = session.view.value.earlier;
  }
}
