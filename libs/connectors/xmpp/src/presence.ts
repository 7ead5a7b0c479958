/* Our own presence: shown when the stream is new, and whenever our person wishes another. */
import type { Service } from './core/port.js';
import { xml } from './core/xml.js';
import type { Parts } from './crew.js';
import type { Disco } from './disco.js';

export class OwnPresence implements Service {
  readonly #parts: Parts;
  readonly #disco: Disco;

  constructor(parts: Parts, disco: Disco) {
    this.#parts = parts;
    this.#disco = disco;
  }

  /** Tells the server how reachable our person is (RFC 6121 §4.2, §4.4). Without it no message comes to our address. */
  show(): void {
    const { port, settings } = this.#parts;
    const priority = settings.priority === 0 ? [] : [xml('priority', {}, String(settings.priority))];
    port.send(xml('presence', {}, ...priority, this.#disco.caps()));
  }

  online(how: 'new' | 'resumed'): void {
    if (how === 'new') this.show();
  }
}
