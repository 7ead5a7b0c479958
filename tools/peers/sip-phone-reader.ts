/* Reads the messages of a SIP connection of tests, without our own library. */

/** A message: its first line, its fields with small names in their order, its body. */
export interface PhoneMessage {
  readonly start: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

const compact: Readonly<Record<string, string>> = {
  v: 'via',
  f: 'from',
  t: 'to',
  i: 'call-id',
  m: 'contact',
  c: 'content-type',
  l: 'content-length',
  e: 'content-encoding',
  o: 'event',
  k: 'supported',
};

export class PhoneReader {
  #read = Buffer.alloc(0);

  /** The messages that are whole with these octets. */
  push(chunk: Buffer): readonly PhoneMessage[] {
    this.#read = Buffer.concat([this.#read, chunk]);
    const whole: PhoneMessage[] = [];
    for (;;) {
      while (this.#read.length >= 2 && this.#read.subarray(0, 2).toString() === '\r\n')
        this.#read = this.#read.subarray(2);
      const end = this.#read.indexOf('\r\n\r\n');
      if (end === -1) return whole;
      const [start = '', ...lines] = this.#read
        .subarray(0, end)
        .toString()
        .replace(/\r\n[ \t]+/g, ' ')
        .split('\r\n');
      const fields = lines.map((line): readonly [string, string] => {
        const [, name = '', value = ''] = /^([^:\s]+)\s*:\s*(.*)$/.exec(line) ?? [];
        const small = name.toLowerCase();
        return [compact[small] ?? small, value.trim()];
      });
      const length = Number(fields.find(([name]) => name === 'content-length')?.[1] ?? 0);
      if (this.#read.length < end + 4 + length) return whole;
      const body = Buffer.from(this.#read.subarray(end + 4, end + 4 + length));
      this.#read = this.#read.subarray(end + 4 + length);
      whole.push({ start, fields, body });
    }
  }
}
