/*
 * Where a server knows no stream management, it still works stanza by stanza: what it has not refused before it answers
 * a later ping (XEP-0199), it has taken. Nothing is sent again after a cut.
 */
import type { Fate, IqAnswer, IqAsk } from './port.js';
import { xml } from './xml.js';

export class PingConfirmation {
  readonly #waiting: (((fate: Fate) => void) | undefined)[] = [];
  readonly #ask: (ask: IqAsk) => Promise<IqAnswer>;
  readonly #server: string;
  #asked = false;

  readonly #confirmed: () => void;

  /**
   * @param server whom to ping: whoever works through our stanzas.
   * @param confirmed is called after each answer.
   */
  constructor(server: string, ask: (ask: IqAsk) => Promise<IqAnswer>, confirmed: () => void) {
    this.#server = server;
    this.#ask = ask;
    this.#confirmed = confirmed;
  }

  /** How many stanzas nobody has answered for. */
  get unacknowledged(): number {
    return this.#waiting.length;
  }

  sent(settled?: (fate: Fate) => void): void {
    this.#waiting.push(settled);
  }

  /** Pings where something waits and no ping is out. A server that does not know pings answers too, by an error. */
  request(): void {
    const covered = this.#waiting.length;
    if (this.#asked || covered === 0) return;
    this.#asked = true;
    const payload = xml('ping', { xmlns: 'urn:xmpp:ping' });
    void this.#ask({ type: 'get', to: this.#server, payload }).then((answer) => {
      this.#asked = false;
      if (!answer.ok && answer.condition === undefined) return;
      // The ping was sent behind them, and is not pinged for in its turn.
      for (const settled of this.#waiting.splice(0, covered + 1)) settled?.('acknowledged');
      this.#confirmed();
      this.request();
    });
  }

  /** The stream is over, and nobody can say what became of the rest. */
  giveUp(): void {
    for (const settled of this.#waiting.splice(0)) settled?.('lost');
  }
}
