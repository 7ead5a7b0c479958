import type { IrcMessage } from 'irc-framework';

interface Batch {
  readonly type: string;
  /** The label of our line that the batch answers: it stands on the opening line only, the members name the batch. */
  readonly label?: string;
}

/** Open batches (IRCv3 batch, labeled-response). A server may open as many as it likes; we remember a few. */
export class Batches {
  static readonly #most = 64;
  readonly #open = new Map<string, Batch>();

  open(ref: string, type: string, label: string | undefined, parent: string | undefined): void {
    if (this.#open.size >= Batches.#most) return;
    const inherited = label ?? (parent === undefined ? undefined : this.#open.get(parent)?.label);
    this.#open.set(ref, { type, ...(inherited !== undefined && { label: inherited }) });
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
    const type = this.#of(message)?.type;
    return type === 'chathistory' || type === 'znc.in/playback';
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
