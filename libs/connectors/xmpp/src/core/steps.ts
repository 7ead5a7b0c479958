/*
 * A stream heard one step at a time, for as long as each word waits for the one before: whoever negotiates asks for the
 * next, and nothing is read until somebody does.
 */
import type { StreamHeader } from './stream-reader.js';
import type { Ending } from './stream.js';
import type { XmlStream } from './xml-stream.js';
import type { Element } from './xml.js';

type Step = 'opened' | 'ended' | { readonly header: StreamHeader } | { readonly element: Element };

/** The other side has not done what was its turn to do, or is gone: then `ending` says why. */
export class OutOfStep extends Error {
  override readonly name = 'OutOfStep';
}

export class Steps {
  readonly #stream: XmlStream;
  readonly #steps: Step[] = [];
  #waiting: ((step: Step) => void) | undefined;
  #ending: Ending | undefined;

  constructor(stream: XmlStream) {
    this.#stream = stream;
    stream.handle({
      opened: () => {
        this.#push('opened');
      },
      header: (header) => {
        this.#push({ header });
      },
      element: (element) => {
        this.#push({ element });
      },
      ended: (ending) => {
        this.#ending = ending;
        this.#push('ended');
      },
    });
  }

  /** How the stream ended, once it has. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** Resolves when the connection is there, or encrypted. @throws OutOfStep where something else comes. */
  async opened(): Promise<void> {
    if ((await this.#next()) !== 'opened') throw new OutOfStep();
  }

  /** The server's header. @throws OutOfStep where something else comes. */
  async header(): Promise<StreamHeader> {
    const step = await this.#next();
    if (typeof step === 'object' && 'header' in step) return step.header;
    throw new OutOfStep();
  }

  /** The next element; undefined where the stream has ended. @throws OutOfStep where it begins anew. */
  async element(): Promise<Element | undefined> {
    const step = await this.#next();
    if (step === 'ended') return undefined;
    if (typeof step === 'object' && 'element' in step) return step.element;
    throw new OutOfStep();
  }

  /** Closes the stream in order, whatever still comes. */
  async close(): Promise<void> {
    this.#stream.handle({ element: () => undefined, ended: () => undefined });
    await this.#stream.close();
  }

  async #next(): Promise<Step> {
    const step = this.#steps.shift();
    if (step !== undefined) return step;
    if (this.#ending !== undefined) return 'ended';
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#stream.resume();
    });
  }

  #push(step: Step): void {
    const waiting = this.#waiting;
    if (waiting === undefined) {
      this.#steps.push(step);
      return;
    }
    this.#waiting = undefined;
    // One step at a time: whoever waits says first what it leads to.
    this.#stream.pause();
    waiting(step);
  }
}
