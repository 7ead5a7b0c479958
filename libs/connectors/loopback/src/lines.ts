import { ProtocolViolation } from './readers.js';

const LF = 0x0a;

/**
 * Cuts a stream of bytes into lines. Bytes are joined before they are decoded, so a character that arrives in two pieces
 * stays whole; bytes that are no UTF-8 and lines past the limit are violations.
 */
export class Lines {
  private readonly decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  private held: Buffer[] = [];
  private heldBytes = 0;

  constructor(private readonly longest: number) {}

  /** Takes a chunk and gives the lines that it completed. Throws a `ProtocolViolation`. */
  take(chunk: Buffer): string[] {
    const lines: string[] = [];
    let start = 0;
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      this.hold(chunk.subarray(start, end));
      lines.push(this.release());
      start = end + 1;
    }
    if (start < chunk.length) this.hold(chunk.subarray(start));
    return lines;
  }

  private hold(piece: Buffer): void {
    this.heldBytes += piece.length;
    if (this.heldBytes > this.longest) throw new ProtocolViolation('the line is too long');
    this.held.push(piece);
  }

  private release(): string {
    const only = this.held.length === 1 ? this.held[0] : undefined;
    const bytes = only ?? Buffer.concat(this.held, this.heldBytes);
    this.held = [];
    this.heldBytes = 0;
    try {
      return this.decoder.decode(bytes);
    } catch {
      throw new ProtocolViolation('the line is no UTF-8');
    }
  }
}
