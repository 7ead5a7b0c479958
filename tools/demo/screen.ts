/* What happens in Parley, as lines for a terminal, from its event stream. */
import type { Call, Conversation, Message, ParleyClient } from '#api';

type Print = (line: string) => void;

/** Follows the log from now on, until the signal; prints what is said, and what happens to it. */
export async function follow(
  client: ParleyClient,
  room: Conversation,
  me: string,
  print: Print,
  signal: AbortSignal,
): Promise<void> {
  using stream = client.stream();
  signal.addEventListener('abort', () => {
    stream[Symbol.dispose]();
  });
  void stream.request({ request: 'watch', conversation: room.id }).catch(() => undefined);
  const screen = new Screen(me, print);
  for await (const item of stream) {
    if (item.kind === 'event') {
      const { conversation, message, call } = item.frame.event.data;
      if (item.frame.event.type === 'call.changed' && call) screen.call(call);
      else if (item.frame.event.type === 'conversation.changed' && conversation)
        screen.conversation(conversation);
      else if (message) screen.message(message);
    } else if (item.kind === 'ephemeral' && item.ephemeral.type === 'typing' && item.ephemeral.active) {
      print(`          … ${item.ephemeral.address} is writing`);
    }
  }
}

class Screen {
  readonly #me: string;
  readonly #print: Print;
  /** What was shown of a message: events tell it again whenever something about it changes. */
  readonly #shown = new Map<string, { reactions: number; isRetracted: boolean }>();
  readonly #topics = new Map<string, string | null>();
  readonly #names = new Map<string, string>();

  constructor(me: string, print: Print) {
    this.#me = me;
    this.#print = print;
  }

  conversation({ id, address, topic }: Conversation): void {
    this.#names.set(id, address);
    if (topic !== null && this.#topics.get(id) !== topic)
      this.#print(`          the topic of ${address} is now: ${topic}`);
    this.#topics.set(id, topic);
  }

  call({ direction, address, from, state, legs }: Call): void {
    const other =
      direction === 'in' ? `the call from ${address}` : `the call from ${from ?? this.#me} to ${address}`;
    const both = legs === null ? '' : ` (${legs.mine}, ${legs.theirs})`;
    this.#print(`          ${other}: ${state}${both}`);
  }

  message(message: Message): void {
    const shown = this.#shown.get(message.id);
    const { reactions, text, at } = message;
    // Topics, kicks and the like are told by what they changed.
    if (message.kind !== 'message') return;
    const isRetracted = message.retractedAt !== null;
    this.#shown.set(message.id, { reactions: reactions.length, isRetracted });
    if (this.#shown.size > 1_000) this.#shown.delete(this.#shown.keys().next().value ?? '');
    const who = message.author?.name ?? message.author?.address ?? this.#me;
    if (shown === undefined) {
      const time = new Date(at).toLocaleTimeString('en-GB');
      const [first = '', ...rest] = text.split('\n');
      this.#print(`${time}  ${message.emote ? `* ${who} ${first}` : `<${who}> ${first}`}`);
      for (const line of rest) this.#print(`          ${line}`);
      return;
    }
    const [line = ''] = text.split('\n');
    const some = line === text && line.length <= 30 ? line : `${line.slice(0, 30)}…`;
    if (reactions.length > shown.reactions) {
      this.#print(`          ${reactions.at(-1)?.emoji ?? ''} for “${some}”`);
    }
    if (isRetracted && !shown.isRetracted) this.#print(`          ${who} took a message back`);
  }
}
