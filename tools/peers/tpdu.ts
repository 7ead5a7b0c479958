/* Short messages as a modem has them (3GPP TS 23.040 §9.2.2), as much as a modem of tests needs. */

/** What a phone sends through a modem. */
export interface SubmitTpdu {
  readonly to: string;
  readonly text: string;
  /** Whether it is written in UCS-2. */
  readonly wide: boolean;
  /** The user data header, empty where there is none. */
  readonly udh: Buffer;
  readonly wantsReport: boolean;
}

const alphabet =
  '@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\u001bÆæßÉ !"#¤%&\'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà';
const escaped: Readonly<Record<number, string>> = {
  0x14: '^',
  0x28: '{',
  0x29: '}',
  0x2f: '\\',
  0x3c: '[',
  0x3d: '~',
  0x3e: ']',
  0x40: '|',
  0x65: '€',
};

/** Reads an SMS-SUBMIT, with the service centre's address before it (AT+CMGS). */
export function readSubmit(hex: string): SubmitTpdu {
  const octets = Buffer.from(hex, 'hex');
  let at = 1 + octets.readUInt8(0);
  const first = octets.readUInt8(at);
  const digits = octets.readUInt8(at + 2);
  const international = octets.readUInt8(at + 3) === 0x91;
  const packed = octets.subarray(at + 4, at + 4 + Math.ceil(digits / 2));
  at += 4 + packed.length;
  const wide = (octets.readUInt8(at + 1) & 0x0c) === 0x08;
  // TP-VPF: none, relative in one octet, or in seven.
  at += 2 + ([0, 7, 1, 7][(first >> 3) & 3] ?? 0);
  const length = octets.readUInt8(at);
  const data = octets.subarray(at + 1);
  const udh = (first & 0x40) === 0 ? Buffer.alloc(0) : data.subarray(0, 1 + data.readUInt8(0));
  const text = wide
    ? Buffer.from(data.subarray(udh.length, length)).swap16().toString('utf16le')
    : septets(data, length, udh.length);
  const number = swapped(packed.toString('hex')).slice(0, digits);
  return { to: (international ? '+' : '') + number, text, wide, udh, wantsReport: (first & 0x20) !== 0 };
}

/** An SMS-DELIVER in UCS-2, in as many parts as it takes; `reference` is that of the parts. */
export function writeDeliver(from: string, text: string, at: Date, reference: number): readonly string[] {
  const single = text.length <= 70;
  const parts = single ? [text] : (text.match(/[^]{1,67}/g) ?? []);
  return parts.map((part, index) => {
    const body = Buffer.from(part, 'utf16le').swap16();
    const udh = single ? [] : [5, 0, 3, reference % 256, parts.length, index + 1];
    const data = Buffer.concat([Buffer.from(udh), body]);
    const first = single ? '04' : '44';
    return `00${first}${address(from)}0008${timestamp(at)}${octet(data.length)}${data.toString('hex')}`.toUpperCase();
  });
}

/** An SMS-STATUS-REPORT; `status` 0 is received, 0x40 and above failed for good (§9.2.3.15). */
export function writeStatusReport(to: string, reference: number, status: number, at: Date): string {
  return `0006${octet(reference)}${address(to)}${timestamp(at)}${timestamp(at)}${octet(status)}`.toUpperCase();
}

function septets(data: Buffer, count: number, headerOctets: number): string {
  let said = '';
  for (let index = Math.ceil((headerOctets * 8) / 7); index < count; index++) {
    const bit = index * 7;
    const pair = (data[bit >> 3] ?? 0) | ((data[(bit >> 3) + 1] ?? 0) << 8);
    said += String.fromCharCode((pair >> (bit & 7)) & 0x7f);
  }
  return said.replace(/\u001b([^])|[^]/g, (one, extension: string | undefined) =>
    extension === undefined
      ? (alphabet[one.charCodeAt(0)] ?? '?')
      : (escaped[extension.charCodeAt(0)] ?? '?'),
  );
}

function address(number: string): string {
  const digits = number.replace('+', '');
  return `${octet(digits.length)}${number.startsWith('+') ? '91' : '81'}${swapped(digits.length % 2 === 0 ? digits : `${digits}F`)}`;
}

function timestamp(at: Date): string {
  return `${swapped(at.toISOString().replace(/\D/g, '').slice(2, 14))}00`;
}

function swapped(digits: string): string {
  return digits.replace(/(.)(.)/g, '$2$1');
}

function octet(value: number): string {
  return value.toString(16).padStart(2, '0');
}
