/*
 * Bytes of the PostgreSQL frontend/backend protocol, version 3 (PostgreSQL documentation, "Message Formats").
 * A message is a type byte, an int32 length that counts itself but not the type, and the body.
 */

/** Bytes that own their memory, so that they may be handed to another thread. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** ReadyForQuery's byte: idle, in a transaction, or in one that has failed. */
export type TransactionStatus = 'I' | 'T' | 'E';

/** A message's type byte and length together. */
export const headerLength = 5;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function encode(text: string): Bytes {
  return encoder.encode(text);
}

export function decode(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** The byte at an offset that is known to be inside. */
export function byteAt(bytes: Uint8Array, offset: number): number {
  return bytes[offset] ?? 0;
}

export function readInt32(bytes: Uint8Array, offset: number): number {
  return (
    (byteAt(bytes, offset) << 24) |
    (byteAt(bytes, offset + 1) << 16) |
    (byteAt(bytes, offset + 2) << 8) |
    byteAt(bytes, offset + 3)
  );
}

export function writeInt32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

function int32(value: number): Bytes {
  const bytes = new Uint8Array(4);
  writeInt32(bytes, 0, value);
  return bytes;
}

/** A zero-terminated string and the offset behind it. */
export function readCString(bytes: Uint8Array, offset: number): { text: string; next: number } {
  const end = bytes.indexOf(0, offset);
  const stop = end < 0 ? bytes.length : end;
  return { text: decode(bytes.subarray(offset, stop)), next: stop + 1 };
}

export function concat(list: readonly Uint8Array[]): Bytes {
  let length = 0;
  for (const part of list) length += part.length;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of list) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** One message. A string part becomes a zero-terminated string, a number an int32, bytes stay as they are. */
export function message(type: string, ...parts: readonly (string | number | Uint8Array)[]): Bytes {
  const body = concat(
    parts.map((part) =>
      typeof part === 'string' ? encode(`${part}\0`) : typeof part === 'number' ? int32(part) : part,
    ),
  );
  return concat([encode(type), int32(body.length + 4), body]);
}

export function query(sql: string): Bytes {
  return message('Q', sql);
}

export const sync: Bytes = message('S');

export function readyForQuery(status: TransactionStatus): Bytes {
  return message('Z', encode(status));
}

/** An ErrorResponse with the fields that clients look at (severity, its untranslated twin, SQLSTATE, text, detail). */
export function errorResponse(
  code: string,
  text: string,
  more: { readonly severity?: 'ERROR' | 'FATAL'; readonly detail?: string } = {},
): Bytes {
  const { severity = 'ERROR', detail } = more;
  return message(
    'E',
    ...[
      `S${severity}`,
      `V${severity}`,
      `C${code}`,
      `M${text}`,
      ...(detail === undefined ? [] : [`D${detail}`]),
    ],
    new Uint8Array(1),
  );
}

/** Calls back with every complete message of some bytes: its type, its start, its end. */
export function eachMessage(
  bytes: Uint8Array,
  see: (type: number, start: number, end: number) => void,
): void {
  let offset = 0;
  while (offset + headerLength <= bytes.length) {
    const end = offset + 1 + readInt32(bytes, offset + 1);
    if (end > bytes.length) return;
    see(byteAt(bytes, offset), offset, end);
    offset = end;
  }
}

const dataRow = 0x44;

/** The text columns of every DataRow among some backend messages. */
export function dataRows(bytes: Uint8Array): (string | null)[][] {
  const rows: (string | null)[][] = [];
  eachMessage(bytes, (type, start) => {
    if (type !== dataRow) return;
    const columns = (byteAt(bytes, start + 5) << 8) | byteAt(bytes, start + 6);
    const row: (string | null)[] = [];
    let offset = start + 7;
    for (let column = 0; column < columns; column++) {
      const length = readInt32(bytes, offset);
      offset += 4;
      row.push(length < 0 ? null : decode(bytes.subarray(offset, offset + length)));
      if (length > 0) offset += length;
    }
    rows.push(row);
  });
  return rows;
}

export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
