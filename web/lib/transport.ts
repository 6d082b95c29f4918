import { WebSocketChatTransport } from 'ai';
import { BACKEND } from './config';
import { token } from './identity';
import type { Message } from './messages';

/** One socket for all sessions of the page. */
export const transport = new WebSocketChatTransport<Message>({
  url: `${BACKEND}/v1/chat`,
  headers: async () => ({ authorization: `Bearer ${await token()}` }),
  // History is the server's: it reads the question, and of the answer above it which one it is.
  prepareSendMessagesRequest: ({ messages }) => ({
    messages: messages.slice(-2).map((message, index, sent) => (index === sent.length - 1 ? message : { ...message, parts: [], metadata: {} })),
  }),
});
