/*
 * How texts travel as PostgreSQL notifications, whose payload must be shorter than 8,000 bytes. All that waits is written
 * as lines "channel TAB text" into one parcel, and the parcel is cut into pieces. PostgreSQL delivers the notifications
 * of one transaction together and in order, so a parcel is put together again by whose it is and its number; one that
 * misses a piece is lost as a whole. Numbers also keep PostgreSQL from folding equal notifications into one.
 */
export interface Carried {
  readonly channel: string;
  readonly text: string;
}

/** Payloads are shorter than 8,000 bytes; the header needs some of them. */
const pieceBytes = 7_800;
const header = /^([^ ]+) (\d+) (\d+) (\d+)\n/;

/** Texts must hold no line feed and channels no tab: JSON and our names never do. */
export function toFrames(sender: string, number: number, parcel: readonly Carried[]): string[] {
  const bytes = Buffer.from(parcel.map(({ channel, text }) => `${channel}\t${text}`).join('\n'));
  const pieces: string[] = [];
  for (let start = 0; start < bytes.length || pieces.length === 0;) {
    let end = Math.min(start + pieceBytes, bytes.length);
    // Never inside a character: a byte of the form 10xxxxxx continues one (RFC 3629 §3).
    while (end < bytes.length && ((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
    pieces.push(bytes.toString('utf8', start, end));
    start = end;
  }
  return pieces.map(
    (piece, index) => `${sender} ${String(number)} ${String(index)} ${String(pieces.length)}\n${piece}`,
  );
}

/** Puts parcels together again; holds at most one unfinished parcel per sender. */
export class Parcels {
  readonly #open = new Map<string, { readonly number: string; readonly pieces: string[] }>();

  constructor(private readonly self: string) {}

  /** The texts that this frame completes; none for our own frames and for what is no frame. */
  take(frame: string): Carried[] {
    const [head, sender, number, index, count] = header.exec(frame) ?? [];
    if (head === undefined || sender === undefined || number === undefined || sender === this.self) return [];
    let open = this.#open.get(sender);
    if (index === '0') this.#open.set(sender, (open = { number, pieces: [] }));
    if (open?.number !== number || open.pieces.length !== Number(index)) {
      this.#open.delete(sender);
      return [];
    }
    open.pieces.push(frame.slice(head.length));
    if (open.pieces.length < Number(count)) return [];
    this.#open.delete(sender);
    return open.pieces
      .join('')
      .split('\n')
      .map((line) => {
        const tab = line.indexOf('\t');
        return { channel: line.slice(0, tab), text: line.slice(tab + 1) };
      })
      .filter(({ channel }) => channel !== '');
  }
}
