/*
 * gammu-smsd with its files backend: names tell everything but the text, which is UTF-16BE with a byte order mark. It says
 * which texts left and which could not; what the network says of them later it tells nobody.
 */
import { toUcs2 } from '#protocols/smpp';
import type { OutgoingText, SpoolFile, SpoolProgram, SpoolText } from './spool-program.js';

// IN<date>_<time>_<serial>_<sender>_<part>.<what>; a sender may be a word.
const arrival = /^(IN\d{8}_\d{6}_\d+_(.{1,64}))_(\d{2})\.(txt|bin)$/;
const outgoing = /^OUT[A-Z]\d{8}_\d{6}_([0-9a-f]{32}-\d{1,4})_\+?\d+_p\.txt$/;

/** What stands for parts that are not there. */
const missing = '[…]';

export const gammu: SpoolProgram = {
  name: 'gammu',
  boxes: { outgoing: 'outbox', sent: 'sent', failed: 'error', incoming: ['inbox'] },
  // It cuts long texts itself.
  write: ({ wireId, to, plan }: OutgoingText): readonly SpoolFile[] => {
    const id = wireId(0);
    // It sends in the order of names. The time is that of the id (RFC 9562 §5.7), so that the name is always the same.
    const at = new Date(Number.parseInt(id.slice(0, 12), 16)).toISOString().replace(/\D/g, '');
    const name = `OUTC${at.slice(0, 8)}_${at.slice(8, 14)}_${id}_${to}_p.txt`;
    return [{ name, octets: toUcs2(`\ufeff${plan.text}`) }];
  },
  ours: (name) => outgoing.exec(name)?.[1],
  arrived: (name) => {
    const [, text, , part] = arrival.exec(name) ?? [];
    return text === undefined ? undefined : { text, part: Number(part) };
  },
  read: (files): SpoolText | undefined => {
    const [, , addr = '', , kind] = arrival.exec(files[0]?.name ?? '') ?? [];
    const ton = addr.startsWith('+') ? 1 : /^\d+$/.test(addr) ? 0 : 5;
    const from = { ton, addr: addr.replace(/^\+/, '') };
    if (kind === 'bin') return { from, body: { bytes: Buffer.concat(files.map(({ octets }) => octets)) } };
    const texts: (string | undefined)[] = [];
    let next = 0;
    for (const { name, octets } of files) {
      const part = Number(arrival.exec(name)?.[3]);
      if (part !== next) texts.push(missing);
      texts.push(unicode(octets));
      next = part + 1;
    }
    // A character may be torn between two parts: it is whole again when they are joined.
    return texts.includes(undefined) ? undefined : { from, body: { text: texts.join('').toWellFormed() } };
  },
  fate: () => ({}),
};

/** UTF-16 with a byte order mark; what comes after the first NUL is what its memory held before. */
function unicode(octets: Buffer): string | undefined {
  const mark = octets.length < 2 ? 0 : octets.readUInt16BE(0);
  if (mark !== 0xfeff && mark !== 0xfffe) return octets.length === 0 ? '' : undefined;
  const whole = Buffer.from(octets.subarray(2, octets.length - (octets.length % 2)));
  const text = (mark === 0xfeff ? whole.swap16() : whole).toString('utf16le');
  return text.split('\0', 1)[0];
}
