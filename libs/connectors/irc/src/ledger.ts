/*
 * What we have said and the server has not answered yet. IRC answers a line in up to four ways, and this is where each
 * finds the line it answers:
 * - by label (labeled-response): exact;
 * - by echo (echo-message without labels): the oldest line of the same kind to the same target;
 * - by a refusing numeric: it names the target, so the oldest line to that target;
 * - by the answer to a PING that left after it: a server works line by line, so what it has not refused by then it took.
 */
import type { Failure } from '#model';

export type Answer =
  | { readonly kind: 'refused'; readonly failure: Failure }
  /** The server took it; it says no more. */
  | { readonly kind: 'taken' }
  /** Nobody will say any more. */
  | { readonly kind: 'unknown'; readonly failure: Failure };

export interface Entry {
  /** The label it bears, if the server knows labels. */
  readonly label?: string;
  /** Of the envelope's part, where it is one. */
  readonly wireId?: string;
  readonly verb: string;
  /** Folded as the network compares names. */
  readonly target: string;
  /** Whether a server that echoes will echo it. */
  readonly echoed: boolean;
  readonly answered: (answer: Answer) => void;
}

interface Open extends Entry {
  readonly number: number;
  readonly at: number;
}

export class Ledger {
  readonly #open = new Map<number, Open>();
  #last = 0;

  get size(): number {
    return this.#open.size;
  }

  /** The number of the line that left last. */
  get last(): number {
    return this.#last;
  }

  add(entry: Entry, at: number): void {
    this.#last++;
    this.#open.set(this.#last, { ...entry, number: this.#last, at });
  }

  /** Takes the entry with a label. */
  labelled(label: string): Entry | undefined {
    return this.#take((entry) => entry.label === label);
  }

  /** Takes the entry that an echo without a label completes: a line with a label is echoed with it. */
  echo(verb: string, target: string): Entry | undefined {
    return this.#take(
      (entry) => entry.label === undefined && entry.echoed && entry.verb === verb && entry.target === target,
    );
  }

  /** Takes the entry that a refusal without a label is about. */
  refused(target: string): Entry | undefined {
    return this.#take((entry) => entry.label === undefined && entry.target === target);
  }

  /** The server has worked through everything up to a number: what bears no label and awaits no echo was taken. */
  workedThrough(number: number, echoing: boolean): void {
    for (const entry of [...this.#open.values()]) {
      if (entry.number > number) break;
      if (entry.label !== undefined || (echoing && entry.echoed)) continue;
      this.#open.delete(entry.number);
      entry.answered({ kind: 'taken' });
    }
  }

  /** The number of the last line that only the answer to a later PING will settle; 0 when there is none. */
  awaitsPing(echoing: boolean): number {
    let last = 0;
    for (const entry of this.#open.values()) {
      if (entry.label === undefined && !(echoing && entry.echoed)) last = entry.number;
    }
    return last;
  }

  /** Gives up on what left before a time, or on everything. */
  giveUp(failure: Failure, before = Infinity): void {
    for (const entry of [...this.#open.values()]) {
      if (entry.at >= before) break;
      this.#open.delete(entry.number);
      entry.answered({ kind: 'unknown', failure });
    }
  }

  #take(fits: (entry: Open) => boolean): Entry | undefined {
    for (const entry of this.#open.values()) {
      if (!fits(entry)) continue;
      this.#open.delete(entry.number);
      return entry;
    }
    return undefined;
  }
}
