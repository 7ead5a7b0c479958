/* Who is writing (RFC 3994): the documents, and the state machines of those who write and those who are told. */
import type { Fault } from './fault.js';
import { momentOf } from './times.js';
import { readXml, writeXml, xmlChild, xmlElement, xmlText } from './xml.js';

export const isComposingType = 'application/im-iscomposing+xml';
const isComposingNamespace = 'urn:ietf:params:xml:ns:im-iscomposing';

/** §3.2: nothing typed for so long is a pause. */
const usualIdleMs = 15_000;
/** §3.2, §3.3: an active state that is not told again holds for so long; and no state is told more often than each minute. */
const usualRefreshMs = 120_000;
const leastRefreshSeconds = 60;
/** A peer that says its state holds for a day does not keep it so long. */
const mostRefreshSeconds = 3_600;

export interface Composing {
  readonly state: 'active' | 'idle';
  /** What is being written: a media type or its first half. */
  readonly contentType?: string;
  readonly lastActive?: Date;
  /** For how long `active` holds unless it is told again, in seconds. */
  readonly refreshSeconds?: number;
}

/** Reads a document. A state that is neither counts as idle (§4: all others must be treated so). */
export function readComposing(bytes: Buffer): Composing | Fault {
  const root = readXml(bytes);
  if ('fault' in root) return root;
  if (root.name !== 'isComposing' || root.ns !== isComposingNamespace) {
    return { fault: 'The document is no status of RFC 3994.' };
  }
  const text = (name: string): string | undefined => {
    const found = xmlChild(root, isComposingNamespace, name);
    return found && xmlText(found).trim();
  };
  const state = text('state');
  if (state === undefined) return { fault: 'The status does not say which it is.' };
  const refresh = text('refresh') ?? '';
  const contentType = text('contenttype') ?? '';
  const lastActive = momentOf(text('lastactive'));
  return {
    state: state === 'active' ? 'active' : 'idle',
    ...(contentType !== '' && { contentType }),
    ...(lastActive !== undefined && { lastActive }),
    ...(/^\d{1,9}$/.test(refresh) && Number(refresh) > 0 && { refreshSeconds: Number(refresh) }),
  };
}

/** Writes a document. */
export function writeComposing({ state, contentType, lastActive, refreshSeconds }: Composing): Buffer {
  const child = (name: string, text: string | undefined) =>
    text === undefined ? undefined : xmlElement(isComposingNamespace, name, {}, [text]);
  const root = xmlElement(isComposingNamespace, 'isComposing', {}, [
    child('state', state),
    child('lastactive', lastActive?.toISOString()),
    child('contenttype', contentType),
    child('refresh', refreshSeconds?.toFixed(0)),
  ]);
  return Buffer.from(writeXml(root));
}

/** Calls once after a time, in milliseconds; the answer cancels it. */
type After = (ms: number, call: () => void) => () => void;

export interface ComposingSenderOptions {
  readonly after: After;
  /** Says it to the other side. */
  readonly tell: (composing: Composing) => void;
  /** Nothing typed for so long is a pause, in milliseconds. */
  readonly idleMs?: number;
  /** How often an active state is told again, in milliseconds; a minute at least. */
  readonly refreshMs?: number;
}

/** Whoever writes (§3.2): tells when they begin, again while they go on, and when they pause. */
export class ComposingSender {
  readonly #options: Required<ComposingSenderOptions>;
  #active = false;
  #idle: () => void = () => undefined;
  #refresh: () => void = () => undefined;

  constructor({ idleMs = usualIdleMs, refreshMs = usualRefreshMs, ...options }: ComposingSenderOptions) {
    this.#options = { ...options, idleMs, refreshMs: Math.max(refreshMs, leastRefreshSeconds * 1_000) };
  }

  /** Something was typed; or, with false, the person has stopped. */
  typing(active: boolean): void {
    this.#idle();
    if (!active) {
      this.#pause();
      return;
    }
    this.#idle = this.#options.after(this.#options.idleMs, () => {
      this.#pause();
    });
    if (!this.#active) this.#tell();
  }

  /** What was written has been sent: nobody needs to be told that it is no longer being written. */
  spoke(): void {
    this.#idle();
    this.#refresh();
    this.#active = false;
  }

  /** Ends the timers; tells nothing. */
  close(): void {
    this.spoke();
  }

  #tell(): void {
    const { after, tell, refreshMs } = this.#options;
    this.#active = true;
    // Told again a little before it would no longer hold.
    this.#refresh = after(refreshMs * 0.9, () => {
      this.#tell();
    });
    tell({ state: 'active', contentType: 'text/plain', refreshSeconds: Math.round(refreshMs / 1_000) });
  }

  #pause(): void {
    const was = this.#active;
    this.spoke();
    if (was) this.#options.tell({ state: 'idle', contentType: 'text/plain' });
  }
}

export interface ComposingReceiverOptions {
  readonly after: After;
  /** The other side writes, or has stopped: told once for each change. */
  readonly tell: (active: boolean) => void;
}

/** Whoever is told (§3.3): an active state holds until another is told, a message comes, or its time is over. */
export class ComposingReceiver {
  readonly #options: ComposingReceiverOptions;
  #active = false;
  #expire: () => void = () => undefined;

  constructor(options: ComposingReceiverOptions) {
    this.#options = options;
  }

  take({ state, refreshSeconds }: Composing): void {
    this.#expire();
    if (state === 'active') {
      const seconds = Math.min(refreshSeconds ?? usualRefreshMs / 1_000, mostRefreshSeconds);
      this.#expire = this.#options.after(seconds * 1_000, () => {
        this.#become(false);
      });
    }
    this.#become(state === 'active');
  }

  /** They have sent a message: whatever they wrote, it is written. */
  spoke(): void {
    this.#expire();
    this.#become(false);
  }

  /** Ends the timer; they write no more, as far as is known. */
  close(): void {
    this.spoke();
  }

  #become(active: boolean): void {
    if (this.#active === active) return;
    this.#active = active;
    this.#options.tell(active);
  }
}
