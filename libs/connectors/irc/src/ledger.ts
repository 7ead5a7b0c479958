/*
 * What we have said and the server has not answered yet. IRC answers a line in up to four ways, and this is where each
 * finds the line it answers:
 * - by label (labeled-response): exact;
 * - by echo (echo-message without labels): the oldest line of the same kind and text to the same target. Another client
 *   of ours may say something there meanwhile, so the text counts; a server may change it on the way, so it need only be alike;
 * - by a refusal: it names the target (a numeric) or the command (FAIL), so the oldest line to it or of it;
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
  /** The command that a standard reply would name, where it is another: a batch is answered as BATCH. */
  readonly command?: string;
  /** Folded as the network compares names. */
  readonly target: string;
  /** What an echo would say, without formatting. */
  readonly text?: string;
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

  /**
   * Takes the entry that an echo without a label completes. A line with a label is echoed with it; one that lost it on the
   * way is known by its very words.
   * @param labelled whether a line with a label may be meant.
   */
  echo(verb: string, target: string, text: string, labelled = true): Entry | undefined {
    const fits = (entry: Entry): boolean => entry.echoed && entry.verb === verb && entry.target === target;
    const same = (entry: Entry): boolean => fits(entry) && (entry.text ?? '').trim() === text.trim();
    return (
      this.#take((entry) => entry.label === undefined && same(entry)) ??
      (labelled ? this.#take(same) : undefined) ??
      this.#take((entry) => entry.label === undefined && fits(entry) && alike(entry.text ?? '', text))
    );
  }

  /** Takes the entry that a refusal without a label is about: by its target, else by its command; or its label was lost. */
  refused(target: string, command?: string): Entry | undefined {
    return (
      this.#take((entry) => entry.label === undefined && entry.target === target) ??
      this.#take((entry) => entry.label === undefined && (entry.command ?? entry.verb) === command) ??
      this.#take((entry) => entry.target === target)
    );
  }

  /** Takes the only entry, where a refusal names nothing: of several it could be any. */
  only(): Entry | undefined {
    const unlabelled = [...this.#open.values()].filter(({ label }) => label === undefined);
    return unlabelled.length === 1 ? this.#take((entry) => entry === unlabelled[0]) : undefined;
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

/** Whether one text may be the other as a server has changed it: half of its words are there. */
function alike(said: string, echoed: string): boolean {
  const words = new Set(echoed.toLowerCase().split(/\s+/));
  const ours = said.toLowerCase().split(/\s+/);
  return ours.filter((word) => words.has(word)).length * 2 >= ours.length;
}
