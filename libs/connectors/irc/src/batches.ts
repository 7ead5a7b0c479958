import { remember } from '#connector/session';
import type { IrcMessage } from 'irc-framework';

interface Batch {
  readonly type: string;
  /** Whether it, or one that it is within, plays back what was said before. */
  readonly playback: boolean;
  /** The label of our line that the batch answers: it stands on the opening line only, the members name the batch. */
  readonly label?: string;
}

/** What is not happening now: an archive's answer (IRCv3 chathistory), or what a bouncer has kept. */
const playbacks: ReadonlySet<string> = new Set(['chathistory', 'znc.in/playback']);

/**
 * Open batches, one within another too (IRCv3 batch, labeled-response). A server may open as many as it likes and close
 * none: the last few are remembered.
 */
export class Batches {
  static readonly #most = 64;
  readonly #open = new Map<string, Batch>();

  open(ref: string, type: string, label: string | undefined, parent: string | undefined): void {
    const outer = parent === undefined ? undefined : this.#open.get(parent);
    const inherited = label ?? outer?.label;
    const batch = {
      type,
      playback: playbacks.has(type) || outer?.playback === true,
      ...(inherited !== undefined && { label: inherited }),
    };
    remember(this.#open, ref, batch, Batches.#most);
  }

  /** Answers with the label that the batch was about. */
  close(ref: string): string | undefined {
    const label = this.#open.get(ref)?.label;
    this.#open.delete(ref);
    return label;
  }

  /** The label of our line that a line answers, by itself or by its batch. */
  labelOf(message: IrcMessage): string | undefined {
    const own = message.tags['label'];
    if (own !== undefined && own !== '') return own;
    return this.#of(message)?.label;
  }

  /** Whether a line is played back from an archive and not happening now. */
  isPlayback(message: IrcMessage): boolean {
    return this.#of(message)?.playback === true;
  }

  /** Whether a line is one of many that a netsplit made. */
  isNetsplit(message: IrcMessage): boolean {
    const type = this.#of(message)?.type;
    return type === 'netsplit';
  }

  #of(message: IrcMessage): Batch | undefined {
    const ref = message.tags['batch'];
    return ref === undefined ? undefined : this.#open.get(ref);
  }
}
