/* Small questions that every client answers: are you there (XEP-0199), what are you (XEP-0092), what time is it (XEP-0202). */
import type { IqReply, Service } from './core/port.js';
import type { Element } from './core/xml.js';
import type { Parts } from './crew.js';
import { versionAnswer, versionNs } from './xep/0092.js';
import { isPing, pingNs } from './xep/0199.js';
import { timeAnswer, timeNs } from './xep/0202.js';

export class Courtesies implements Service {
  readonly features = [pingNs, versionNs, timeNs];
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  asked(iq: Element, payload: Element, reply: IqReply): boolean {
    if (iq.attrs['type'] !== 'get') return false;
    if (isPing(payload)) reply.result();
    else if (payload.is('query', versionNs)) reply.result(versionAnswer('Parley', '0.1'));
    else if (payload.is('time', timeNs)) {
      reply.result(timeAnswer(new Date(this.#parts.context.clock.now())));
    } else return false;
    return true;
  }
}
