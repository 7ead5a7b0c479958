import { randomBytes } from 'node:crypto';
import { expect } from '@jest/globals';
import { failure, levelOf } from '#model';
import type { Bench, Rig } from '../bench.js';
import type { Case } from '../cases.js';
import type { Observer } from '../harness.js';
import { expectLeft } from './talks.js';

async function send(observer: Observer, rig: Rig, name: string, bytes: Uint8Array): Promise<void> {
  await observer.sendFile?.(rig.address, { name, bytes });
}

/** A picture that is one (PNG), each another. */
function picturesOf(number: number): Buffer {
  const png = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  );
  // What stands behind its end is no part of it.
  return Buffer.concat([png, Buffer.alloc(number, number)]);
}

async function met(bench: Bench): Promise<{ readonly observer: Observer; readonly rig: Rig }> {
  const observer = await bench.observer();
  return { observer, rig: await bench.rig() };
}

export const files: readonly Case[] = [
  {
    id: 'files-out',
    sentence: 'carries a file at least as its address (law 7)',
    async run(bench) {
      if (levelOf(bench.connector.describe().capabilities, 'files') === 'none') return;
      const { observer, rig } = await met(bench);
      const mark = bench.mark();
      const attachment = { name: 'note.txt', mediaType: 'text/plain', url: `https://example.org/f/${mark}` };
      const { outcome } = await rig.say(observer.address, mark, {
        content: { text: mark, attachments: [attachment] },
      });
      expectLeft(outcome);
      await rig.until('the address arrives', () =>
        observer.heard().some(({ text }) => text.includes(attachment.url)),
      );
      expect(observer.heard().some(({ text }) => text.includes(attachment.name))).toBe(true);
    },
  },
  {
    id: 'files-in',
    sentence: 'hands a file that somebody sends to the house, and names it in its message (§8, files)',
    needs: [{ act: 'files' }],
    async run(bench) {
      const { observer, rig } = await met(bench);
      const bytes = randomBytes(50_000);
      await send(observer, rig, 'photo.bin', bytes);
      const attachment = await rig.until(
        'the message with the file',
        () => rig.context.heard().flatMap(({ content }) => content.attachments ?? [])[0],
      );
      const [received] = rig.context.inbox.received;
      expect(received?.file.name).toBe('photo.bin');
      expect(received?.bytes.equals(bytes)).toBe(true);
      expect(attachment).toMatchObject({ name: 'photo.bin', size: bytes.length });
      expect(attachment.file).toBeDefined();
      expect(attachment.url).toBeUndefined();
    },
  },
  {
    id: 'avatars',
    sentence:
      'hands what somebody looks like to the house, and tells when they show it no longer (§7, identity)',
    needs: [{ act: 'avatars' }, { act: 'presence' }],
    async run(bench) {
      const { observer, rig } = await met(bench);
      await rig.say(observer.address, bench.mark());
      const worn = () =>
        rig.context.storage.stored.flatMap((event) =>
          event.type === 'identity' && event.avatar !== undefined && event.party.address === observer.address
            ? [event.avatar]
            : [],
        );
      for (const picture of [picturesOf(1), picturesOf(2)]) {
        const before = worn().length;
        await observer.wear?.(picture);
        await rig.until('it is told', () => worn().length > before);
        expect(worn().at(-1)).toMatchObject({ size: picture.length });
        expect(rig.context.inbox.received.at(-1)?.bytes.equals(picture)).toBe(true);
      }
      await observer.wear?.(undefined);
      await rig.until('there is none any more', () => worn().at(-1) === null);
    },
  },
  {
    id: 'files-refused',
    sentence: 'says of a file that the house refuses that there was one, and goes on (law 6)',
    needs: [{ act: 'files' }],
    async run(bench) {
      const { observer, rig } = await met(bench);
      const mark = bench.mark();
      rig.context.inbox.refusal = failure('too-large');
      await send(observer, rig, `${mark}.bin`, randomBytes(1_000));
      await observer.say(rig.address, `${mark} afterwards`);
      await rig.until('what was said afterwards', () => rig.heard(`${mark} afterwards`).length > 0);
      await rig.until('that there was a file', () => rig.heard(`${mark}.bin`).length > 0);
      expect(rig.context.heard().flatMap(({ content }) => content.attachments ?? [])).toEqual([]);
    },
  },
  {
    id: 'files-in-order',
    sentence: 'keeps the order of what is said around a file (law 3)',
    needs: [{ act: 'files' }],
    async run(bench) {
      const { observer, rig } = await met(bench);
      const mark = bench.mark();
      await observer.say(rig.address, `${mark} before`);
      await send(observer, rig, `${mark}.bin`, randomBytes(100_000));
      await observer.say(rig.address, `${mark} after`);
      await rig.until('all three', () => rig.context.heard().length >= 3);
      const order = rig.context
        .heard()
        .map(({ content }) => (content.attachments?.length ? 'file' : content.text.replace(`${mark} `, '')));
      expect(order).toEqual(['before', 'file', 'after']);
    },
  },
];
