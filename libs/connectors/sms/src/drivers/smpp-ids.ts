/*
 * Which text a receipt is about. Some message centres write the id in hexadecimal in their answer and in decimal, with
 * zeros, in the receipt (or the reverse). Each spelling is kept apart, so that the `10` of one text is never the `a` of
 * another, and what was seen tells which is meant where the settings do not.
 */
import type { NamedById, RemoteId } from '#connector';
import { networkId } from '../driver.js';
import type { SmppSettings } from './smpp.settings.js';

/** What has been seen of a message centre's ids. */
export interface Evidence {
  /** An answer had hexadecimal letters, and no other. */
  readonly hexAnswers: boolean;
  readonly hexReceipts: boolean;
}

const hex = /^[0-9a-f]{1,16}$/;
const decimal = /^\d{1,20}$/;

export class MessageIds {
  readonly #kind: SmppSettings['messageIds'];
  readonly #learnt: (evidence: Evidence) => void;
  #evidence: Evidence;

  /** @param learnt is told what was seen for the first time, to be kept for the next session. */
  constructor(kind: SmppSettings['messageIds'], evidence: Evidence, learnt: (evidence: Evidence) => void) {
    this.#kind = kind;
    this.#evidence = evidence;
    this.#learnt = learnt;
  }

  /** All ids under which a receipt may name what was answered with this one. */
  answered(given: string): readonly RemoteId[] {
    const id = plain(given);
    if (isHexOnly(id)) this.#learn({ hexAnswers: true });
    return [
      networkId(id),
      ...(hex.test(id) ? [networkId(`decimal:${BigInt(`0x${id}`).toString()}`)] : []),
      ...(decimal.test(id) ? [networkId(`hex:${BigInt(id).toString(16)}`)] : []),
    ];
  }

  /** The id that a receipt means; or, as long as nothing tells, those that it may mean. */
  meant(given: string): NamedById {
    const id = plain(given);
    if (isHexOnly(id)) this.#learn({ hexReceipts: true });
    const same = networkId(id);
    const inDecimal = decimal.test(id) ? networkId(`decimal:${id}`) : same;
    const inHex = hex.test(id) ? networkId(`hex:${id}`) : same;
    switch (this.#kind) {
      case 'same':
        return { remoteId: same };
      case 'hex-decimal':
        return { remoteId: inDecimal };
      case 'decimal-hex':
        return { remoteId: inHex };
      case 'auto': {
        const { hexAnswers, hexReceipts } = this.#evidence;
        if (hexAnswers && hexReceipts) return { remoteId: same };
        if (hexAnswers) return { remoteId: inDecimal };
        if (hexReceipts) return { remoteId: inHex, otherIds: [same] };
        return inDecimal === same ? { remoteId: same } : { remoteId: same, otherIds: [inDecimal] };
      }
    }
  }

  #learn(seen: Partial<Evidence>): void {
    const next = { ...this.#evidence, ...seen };
    const { hexAnswers, hexReceipts } = this.#evidence;
    if (next.hexAnswers === hexAnswers && next.hexReceipts === hexReceipts) return;
    this.#evidence = next;
    this.#learnt(next);
  }
}

/** One way of writing: numbers without leading zeros, all in small letters. */
function plain(id: string): string {
  const small = id.trim().toLowerCase();
  return hex.test(small) || decimal.test(small) ? small.replace(/^0+(?=.)/, '') : small;
}

function isHexOnly(id: string): boolean {
  return hex.test(id) && !decimal.test(id);
}
