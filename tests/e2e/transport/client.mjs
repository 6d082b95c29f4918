// A page without a page: chats of the AI SDK over one WebSocketChatTransport, told by JSON lines on standard input
// what to do, telling on standard output how their messages stand whenever they change.
//
//   {"op": "open", "chat": "a", "messages": []}  {"op": "send", "chat": "a", "id": "m1", "text": "…"}
//   {"op": "edit", "chat": "a", "id": "m1", "text": "…"}  {"op": "regenerate", "chat": "a"}
//   {"op": "resume", "chat": "a"}  {"op": "stop", "chat": "a"}
//   → {"chat": "a", "after": 2, "status": "streaming", "error": null, "messages": […]}
//
// `after` counts the operations on the chat that had begun, so that an older state is not taken for their outcome.

import { createInterface } from 'node:readline';
import { AbstractChat, WebSocketChatTransport } from 'ai';

const [url, token] = process.argv.slice(2);

// What `useChat` keeps in React's state.
class State {
  #status = 'ready';
  #error = undefined;
  #messages;
  #changed;

  constructor(messages, changed) {
    this.#messages = messages;
    this.#changed = changed;
  }

  get status() { return this.#status; }
  set status(status) { this.#status = status; this.#changed(); }
  get error() { return this.#error; }
  set error(error) { this.#error = error; this.#changed(); }
  get messages() { return this.#messages; }
  set messages(messages) { this.#messages = messages; this.#changed(); }

  pushMessage = message => { this.messages = [...this.#messages, message]; };
  popMessage = () => { this.messages = this.#messages.slice(0, -1); };
  replaceMessage = (index, message) => { this.messages = this.#messages.with(index, this.snapshot(message)); };
  snapshot = value => structuredClone(value);
}

class Chat extends AbstractChat {
  operations = 0;

  constructor(id, messages) {
    super({ id, transport, state: new State(messages, () => this.tell()) });
  }

  tell() {
    const { id: chat, operations: after, status, error, messages } = this;
    const state = { chat, after, status, error: error?.message ?? null, messages };
    process.stdout.write(`${JSON.stringify(state)}\n`);
  }
}

const transport = new WebSocketChatTransport({
  url,
  headers: { authorization: `Bearer ${token}` },
  // The history is the server's: only the new message travels.
  prepareSendMessagesRequest: ({ messages }) => ({ messages: messages.slice(-1) }),
});

const chats = new Map();

const operations = {
  open: () => {},
  send: (chat, { id, text }) => chat.sendMessage({ id, role: 'user', parts: [{ type: 'text', text }] }),
  edit: (chat, { id, text }) => chat.sendMessage({ text, messageId: id }),
  regenerate: chat => chat.regenerate(),
  resume: chat => chat.resumeStream(),
  stop: chat => chat.stop(),
};

const perform = async command => {
  if (command.op === 'open') chats.set(command.chat, new Chat(command.chat, command.messages));
  const chat = chats.get(command.chat);
  chat.operations += 1;
  await operations[command.op](chat, command);
  chat.tell();
};

for await (const line of createInterface({ input: process.stdin })) {
  // Not awaited: what comes of it is told as it changes.
  void perform(JSON.parse(line));
}
process.exit(0);
