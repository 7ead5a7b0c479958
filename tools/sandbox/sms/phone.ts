/* A phone: what comes is put together from its parts, and what is written on it goes to a number of ours. */
import {
  decodeText,
  piecesOf,
  planText,
  readMessage,
  type Carriage,
  type Part,
  type Piece,
  type ReceivedFields,
} from '#protocols/smpp';
import { until } from '../until.js';

/** A text as the phone shows it. */
export interface ShownText {
  /** The number or name that it came from. */
  readonly from: string;
  readonly text: string;
  /** Short messages that it came in. */
  readonly parts: number;
  /** Shown at once and not kept (a message of class 0). */
  readonly isFlash: boolean;
}

export interface Writing {
  /** How a long text says that it is cut; the header with 8 bits unless said otherwise. */
  readonly carriage?: Carriage;
  readonly coding?: 'auto' | 'gsm7' | 'ucs2';
}

export class SandboxPhone {
  readonly number: string;
  /** Told of each text when it is whole. */
  hears: ((shown: ShownText) => void) | undefined;
  readonly #shown: ShownText[] = [];
  readonly #parts = new Map<string, Part[]>();
  readonly #send: (pieces: readonly Piece[], to: string) => void;
  #reference = 0;

  constructor(number: string, send: (pieces: readonly Piece[], to: string) => void) {
    this.number = number;
    this.#send = send;
  }

  /** What has come, whole, in its order. */
  get shown(): readonly ShownText[] {
    return this.#shown;
  }

  /** Parts that wait for others. */
  get incomplete(): number {
    return [...this.#parts.values()].reduce((sum, parts) => sum + parts.length, 0);
  }

  /** Waits for a text of these words. */
  async waitFor(words: string, deadlineMs?: number): Promise<ShownText> {
    const sentence = `${this.number} shows “${words.slice(0, 40)}”`;
    return until(sentence, () => this.#shown.find(({ text }) => text === words), deadlineMs);
  }

  /** Writes to a number of ours. */
  send(to: string, text: string, writing: Writing = {}): void {
    const plan = planText(text, writing);
    if ('problem' in plan) throw new Error(plan.detail);
    this.#reference = (this.#reference + 1) % 0x1_0000;
    this.#send(piecesOf(plan, this.#reference), to);
  }

  /** Takes a short message from the network. */
  take(from: string, fields: ReceivedFields): void {
    const read = readMessage(fields);
    const isFlash = read.messageClass === 0;
    if ('part' in read) {
      const { size, reference, of } = read.part;
      const key = `${from} ${String(size)} ${String(reference)} ${String(of)}`;
      const others = (this.#parts.get(key) ?? []).filter(({ number }) => number !== read.part.number);
      const parts = [...others, read.part].sort((a, b) => a.number - b.number);
      if (parts.length < of) {
        this.#parts.set(key, parts);
        return;
      }
      this.#parts.delete(key);
      this.#show({ from, text: joined(parts), parts: of, isFlash });
    } else {
      const text = 'text' in read ? read.text : read.bytes.toString('hex');
      this.#show({ from, text, parts: 1, isFlash });
    }
  }

  #show(shown: ShownText): void {
    this.#shown.push(shown);
    this.hears?.(shown);
  }
}

/** A character may begin in one part and end in the next. */
function joined(parts: readonly Part[]): string {
  const bytes = Buffer.concat(parts.map((part) => part.bytes));
  const coding = parts[0]?.coding ?? 'binary';
  return coding === 'binary' ? bytes.toString('hex') : decodeText(coding, bytes);
}
