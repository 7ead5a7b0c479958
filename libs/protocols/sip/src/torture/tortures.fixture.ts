import { readFileSync } from 'node:fs';

/**
 * The messages of an RFC as bytes, by their names: its text as printed, after `Message Details : name`. The markup is that
 * of RFC 4475 §2: `<allOneLine>`, `<hex>` and `<repeat count=…>`. Where a message is printed without a body, the empty
 * line behind its header is added. Three lengths of bodies in RFC 5118 are wrong as printed, and corrected here.
 */
export function tortures(file: 'rfc4475.txt' | 'rfc5118.txt'): ReadonlyMap<string, Buffer> {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8');
  const messages = text.split(/^Message Details : (.*)\n\n/m).slice(1);
  const found = new Map<string, Buffer>();
  for (let at = 0; at < messages.length; at += 2) {
    found.set(messages[at] ?? '', bytesOf((messages[at + 1] ?? '').replace(/\n+$/, '\n')));
  }
  return found;
}

function bytesOf(printed: string): Buffer {
  const joined = printed
    .replace(/<allOneLine>\n(.*?)<\/allOneLine>/gs, (_all, lines: string) => lines.replaceAll('\n', ''))
    .replaceAll('\n', '\r\n');
  const whole = joined.includes('\r\n\r\n') ? joined : `${joined}\r\n`;
  // One character for each octet from here on.
  return Buffer.from(
    Buffer.from(whole)
      .toString('latin1')
      .replace(/<hex>(.*?)<\/hex>/gs, (_all, digits: string) =>
        Buffer.from(digits.replace(/\s/g, ''), 'hex').toString('latin1'),
      )
      .replace(/<repeat count=([0-9]+)>(.*?)<\/repeat>/g, (_all, count: string, value: string) =>
        value.repeat(Number(count)),
      ),
    'latin1',
  );
}
