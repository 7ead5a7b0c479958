/* Names: how they are compared (CASEMAPPING), what may be one, and how masks match them. */

const specials: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ascii: {},
  rfc1459: { '[': '{', ']': '}', '\\': '|', '~': '^' },
  'rfc1459-strict': { '[': '{', ']': '}', '\\': '|' },
};

/** A name in the one form in which equal names are the same text (ISUPPORT CASEMAPPING). */
export function fold(name: string, mapping: string): string {
  const special = specials[mapping];
  if (special === undefined) return name.normalize('NFC').toLowerCase();
  return name.replace(/[A-Z[\]\\~]/g, (letter) => special[letter] ?? letter.toLowerCase());
}

/** RFC 2812 §2.3.1, and letters beyond ASCII where the server is UTF-8 throughout. */
export function isNick(name: string, longest: number, beyondAscii: boolean): boolean {
  const shape = beyondAscii
    ? /^[\p{L}[\]\\`_^{|}][\p{L}\p{N}[\]\\`_^{|}-]*$/u
    : /^[a-z[\]\\`_^{|}][a-z0-9[\]\\`_^{|}-]*$/i;
  return shape.test(name) && Buffer.byteLength(name) <= longest;
}

/** RFC 1459 §1.3: a type mark, then anything but a space, a comma, or control G. */
export function isChannelName(name: string, types: string, longest: number): boolean {
  return (
    name.length > 1 &&
    types.includes(name.charAt(0)) &&
    !/[\s,:\x07\0]/.test(name) &&
    Buffer.byteLength(name) <= longest
  );
}

/** Whether a mask with `*` and `?` fits. Both sides must be folded. Linear in the text for each star. */
export function fits(mask: string, text: string): boolean {
  let at = 0;
  let star = -1;
  let back = 0;
  for (let i = 0; i < text.length;) {
    const sign = mask.charAt(at);
    if (sign === '*') {
      star = at++;
      back = i;
    } else if (at < mask.length && (sign === '?' || sign === text.charAt(i))) {
      at++;
      i++;
    } else if (star !== -1) {
      at = star + 1;
      i = ++back;
    } else {
      return false;
    }
  }
  while (mask.charAt(at) === '*') at++;
  return at === mask.length;
}

/** A mask as somebody typed it, completed to nick!user@host. */
export function completeMask(mask: string): string {
  if (mask.startsWith('$a:') || (mask.includes('!') && mask.includes('@'))) return mask;
  if (mask.includes('@')) return `*!${mask}`;
  return mask.includes('!') ? `${mask}@*` : `${mask}!*@*`;
}
