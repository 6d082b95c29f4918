import { Chat } from '@ai-sdk/react';
import { Problem } from './api';
import { showBranch, withSiblings } from './branches';
import { newId } from './ids';
import { readFresh, readMessages, textOf, type Message, type Past, type Stage } from './messages';
import { pause } from './pause';
import { Store } from './store';
import { transport } from './transport';

/** What a page shows of a session beside its messages. */
export interface View {
  /** `missing`: it is not there, or somebody else's. */
  readonly loading: 'done' | 'loading' | 'failed' | 'missing';
  readonly stage: Stage | null;
  /** When the question was asked, in the browser's milliseconds; null when nobody here saw it. */
  readonly askedAt: number | null;
  readonly isLost: boolean;
  readonly isStopped: boolean;
  readonly earlier: string | null;
}

type Happening = 'asked' | 'stored' | 'ended';

const PAUSES_MS = [250, 500, 1000, 2000, 4000, 8000];
const LOST = /WebSocket chat network/;
const FRESH: View = {
  loading: 'done',
  stage: null,
  askedAt: null,
  isLost: false,
  isStopped: false,
  earlier: null,
};

/** A session as this page has it: the AI SDK's chat, and how it comes back after everything that can happen to it. */
export class SessionChat {
  readonly view: Store<View>;
  readonly chat: Chat<Message>;
  #recovering = false;

  constructor(
    readonly id: string,
    private readonly tell: (happening: Happening, session: SessionChat) => void,
    { isNew }: { isNew: boolean },
  ) {
    this.view = new Store<View>({ ...FRESH, loading: isNew ? 'done' : 'loading' });
    this.chat = new Chat<Message>({
      id,
      transport,
      generateId: newId,
      onData: part => {
        if (part.type !== 'data-status') return;
        if (this.view.value.stage === null) this.tell('stored', this);
        this.#show({ stage: part.data.stage, isLost: false });
      },
      onFinish: ({ isDisconnect }) => {
        if (isDisconnect) return;
        this.#show({ stage: null, isLost: false });
        this.tell('ended', this);
        void this.#findSiblings();
      },
      onError: error => {
        if (LOST.test(error.message)) void this.#recover();
        else this.#markFailed();
      },
    });
    if (!isNew) void this.load();
  }

  get isBusy(): boolean {
    return this.chat.status === 'submitted' || this.chat.status === 'streaming' || this.#recovering;
  }

  /** Ask; what was typed is kept in the chat however the network is. */
  ask(question: string): void {
    this.#begin();
    void this.chat.sendMessage({ text: question });
    this.tell('asked', this);
  }

  /** The last question once more: as the same one while it was never accepted, else for another answer. */
  askAgain(): void {
    const { messages } = this.chat;
    const last = messages.findLast(message => message.role === 'user');
    if (!last) return;
    if (messages.at(-1) === last) {
      this.#begin();
      void this.#send(last);
    } else {
      this.askInstead(last, textOf(last));
    }
  }

  /** Another answer to the question of this one. */
  answerAgain(answer: Message): void {
    const { messages } = this.chat;
    const question = messages[messages.findIndex(({ id }) => id === answer.id) - 1];
    if (question?.role === 'user') this.askInstead(question, textOf(question));
  }

  /** Ask at the place of an earlier question, which stays, with what came of it, on its own branch. */
  askInstead(earlier: Message, question: string): void {
    if (this.isBusy) return;
    this.#begin();
    // Under an id of its own, so that it can be sent again and is still one question.
    void this.#send({ id: newId(), role: 'user', parts: [{ type: 'text', text: question }], metadata: { replaces: earlier.id } });
    this.tell('asked', this);
  }

  /** Another message in the stead of one that is shown, and what came of it.
   *
   * @throws Problem when it could not be done; nothing has changed then.
   */
  async switchTo(messageId: string): Promise<void> {
    if (this.isBusy) return;
    const last = await showBranch(this.id, messageId);
    const isWaiting = this.#take(await readFresh(this.id, last));
    this.tell('ended', this);
    if (isWaiting) void this.load();
  }

  /** The answer that is coming in is cancelled, for everybody who reads it. */
  async stop(): Promise<void> {
    this.#show({ isStopped: true, stage: null });
    await this.chat.stop();
    this.tell('ended', this);
  }

  /** The stored messages, and the stream of the answer that the session waits for. */
  async load(): Promise<void> {
    if (this.isBusy) return;
    if (this.chat.messages.length === 0) this.#show({ loading: 'loading' });
    try {
      let isWaiting = this.#take(await readMessages(this.id));
      for (const wait of PAUSES_MS) {
        if (!isWaiting) return;
        await this.#resume();
        if (this.isBusy || this.chat.status === 'error' || this.chat.messages.at(-1)?.role === 'assistant') return;
        // Nothing is under way: the answer has ended since the messages were read, or changes hands.
        await pause(wait);
        isWaiting = this.#take(await readMessages(this.id));
      }
    } catch (error) {
      if (this.chat.messages.length > 0) return;
      this.#show({ loading: error instanceof Problem && error.status === 404 ? 'missing' : 'failed' });
    }
  }

  /** Shows the latest messages as they are stored; whether an answer is still to come. */
  #take(past: Past): boolean {
    if (this.isBusy) return false;
    const isNews = past.messages.length > 0 && past.messages.at(-1)?.id !== this.chat.messages.at(-1)?.id;
    if (isNews) {
      this.chat.messages = [...past.messages];
      this.#show({ earlier: past.earlier });
    }
    this.#show({ loading: 'done' });
    return past.isWaiting;
  }

  /** The messages before those that are here. */
  async loadEarlier(): Promise<void> {
    const { earlier } = this.view.value;
    if (earlier === null) return;
    this.#show({ earlier: null });
    try {
      const past = await readMessages(this.id, earlier);
      this.chat.messages = [...past.messages, ...this.chat.messages];
      this.#show({ earlier: past.earlier });
    } catch {
      this.#show({ earlier });
    }
  }

  #begin(): void {
    this.#show({ stage: null, askedAt: performance.now(), isStopped: false, isLost: false, loading: 'done' });
  }

  /** With its own id: the server joins the answer that is there, or begins the one that never was. */
  #send(question: Message): Promise<void> {
    const { messages } = this.chat;
    const replaces = question.metadata?.replaces;
    const at = messages.findIndex(({ id }) => id === question.id || id === replaces);
    const before = at < 0 ? messages : messages.slice(0, at);
    if (replaces === undefined) {
      this.chat.messages = [...before];
      return this.chat.sendMessage(question);
    }
    // The chat replaces only what is there.
    this.chat.messages = [...before, { ...question, id: replaces }];
    return this.chat.sendMessage({ ...question, messageId: replaces });
  }

  /** Asked once an answer has ended: what is beside it is known then. */
  async #findSiblings(): Promise<void> {
    const { messages } = this.chat;
    if (!messages.some(({ metadata }) => metadata?.replaces !== undefined || metadata?.siblings)) return;
    const past = await readFresh(this.id, messages.at(-1)!.id).catch(() => null);
    if (past && this.chat.messages === messages && !this.isBusy) this.chat.messages = withSiblings(messages, past.beside);
  }

  async #resume(): Promise<void> {
    this.#show({ isStopped: false });
    await this.chat.resumeStream();
  }

  /** Come back after a lost connection, for as long as it takes. */
  async #recover(): Promise<void> {
    if (this.#recovering) return;
    this.#recovering = true;
    this.#show({ isLost: true });
    try {
      for (let attempt = 0; !this.view.value.isStopped; attempt += 1) {
        await pause(PAUSES_MS[Math.min(attempt, PAUSES_MS.length - 1)]!);
        if (await this.#comeBack()) return;
      }
    } finally {
      this.#recovering = false;
      this.#show({ isLost: false });
    }
  }

  /** Whether the session is as it should be again. */
  async #comeBack(): Promise<boolean> {
    const before = this.chat.messages;
    await this.chat.resumeStream();
    if (this.#isLostAgain()) return false;
    if (this.chat.messages !== before) return true;
    // The server waits for nothing: the answer has ended meanwhile, or the question never arrived.
    const question = before.findLast(message => message.role === 'user');
    if (question) await this.#send(question);
    return !this.#isLostAgain();
  }

  #isLostAgain(): boolean {
    return this.chat.status === 'error' && LOST.test(this.chat.error?.message ?? '');
  }

  /** Also when later questions have come below it, an answer says that it failed. */
  #markFailed(): void {
    const last = this.chat.messages.at(-1);
    if (last?.role !== 'assistant') return;
    this.chat.messages = [...this.chat.messages.slice(0, -1), { ...last, metadata: { ...last.metadata, status: 'failed' } }];
  }

  #show(change: Partial<View>): void {
    this.view.update(view => ({ ...view, ...change }));
  }
}
