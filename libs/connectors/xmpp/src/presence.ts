/* Our own presence: shown when the stream is new, and whenever our person wishes another. */
import type { PresenceState } from '#model';
import type { Parts } from './crew.js';
import type { Disco } from './disco.js';
import { presence } from './xep/rfc6121.js';

export class OwnPresence {
  readonly #parts: Parts;
  readonly #disco: Disco;
  #shown: string | undefined;

  constructor(parts: Parts, disco: Disco) {
    this.#parts = parts;
    this.#disco = disco;
  }

  /** Our person is reachable otherwise from now on. */
  setPresence(wanted: PresenceState): void {
    this.#parts.wishes.presence = wanted;
    if (this.#shown !== undefined && this.#shown !== JSON.stringify(wanted)) this.show();
  }

  /**
   * Tells the server how reachable our person is (RFC 6121 §4.2, §4.4). Without it no message comes to our address.
   * @param taken called when the server has it, or never will.
   */
  show(taken?: () => void): void {
    const { port, settings, wishes } = this.#parts;
    const { priority } = settings;
    this.#shown = JSON.stringify(wishes.presence);
    port.send(presence(wishes.presence, priority === 0 ? {} : { priority }, this.#disco.caps()), taken);
  }
}
