import { expect } from '@jest/globals';
import { can } from '#connector';
import { errorCodes } from '#model';
import type { Bench, Rig } from '../bench.js';
import type { Case } from '../cases.js';
import { hears } from './links.js';

const megabyte = 1 << 20;
/** What a session may hold of a line that never ends. */
const mostHeld = 48 * megabyte;

/** Bytes that no network says, by name. */
const garbage: Readonly<Record<string, () => Uint8Array>> = {
  'random bytes': () => noise(4_096),
  'random lines': () => {
    const bytes = noise(4_096);
    for (let i = 40; i < bytes.length; i += 40) bytes[i] = 0x0a;
    return bytes;
  },
  'bytes that are no UTF-8': () => Buffer.from([0xc3, 0x28, 0xa0, 0xff, 0xfe, 0xed, 0xa0, 0x80, 0x0d, 0x0a]),
  'zeros and control characters': () => Buffer.from('\0\0\x01\x02\x07\x1b[2J\x7f\r\n'.repeat(50)),
  'words of strangers': () =>
    Buffer.from('GET / HTTP/1.1\r\n\r\n<stream:stream>&foo;</a>{"t":null}\r\nSIP/2.0 200 OK\r\n\r\n'),
  'deep nesting': () =>
    Buffer.from(`${'['.repeat(100_000)}\n${'<a>'.repeat(50_000)}\n${'{"a":'.repeat(50_000)}\n`),
  'empty lines': () => Buffer.from('\r\n\n\r\r\n'.repeat(1_000)),
};

function noise(bytes: number): Uint8Array {
  let seed = 99;
  return Uint8Array.from({ length: bytes }, () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed >>> 24;
  });
}

/** After the blow: still online, or backed off with a code of the list and back. Then it works as before. */
async function survives(bench: Bench, rig: Rig, blow: () => Promise<void>): Promise<void> {
  const since = rig.context.states.length;
  await blow();
  // The end of a line after it, so that it swallows nothing that the network says next.
  await rig.proxy.inject(Buffer.from('\r\n'));
  await rig.quiet();
  const told = rig.context.states.slice(since).map(({ state }) => state);
  for (const state of told) if ('code' in state) expect(errorCodes).toContain(state.code);
  expect(told.filter(({ state }) => state === 'needs-person')).toEqual([]);
  await rig.untilState('online');
  await hears(bench, rig);
}

export const hostile: readonly Case[] = [
  ...Object.entries(garbage).map(([name, bytes]): Case => ({
    id: `garbage: ${name}`,
    sentence: `survives ${name} from its network: at worst it closes and comes back (law 9)`,
    async run(bench) {
      const rig = await bench.rig();
      await survives(bench, rig, () => rig.proxy.inject(bytes()));
    },
  })),
  {
    id: 'endless-line',
    sentence: 'survives a line that never ends, in bounded memory (law 9)',
    async run(bench) {
      const rig = await bench.rig();
      const chunk = Buffer.alloc(megabyte, 'x');
      const held = (): number => {
        const { heapUsed, external } = process.memoryUsage();
        return heapUsed + external;
      };
      const before = held();
      let most = 0;
      await survives(bench, rig, async () => {
        for (let sent = 0; sent < 96 && rig.proxy.open > 0; sent++) {
          await rig.proxy.inject(chunk);
          most = Math.max(most, held() - before);
        }
      });
      expect(most).toBeLessThan(mostHeld);
    },
  },
  {
    id: 'hostile-text',
    sentence: 'lets no text that it sends end a line and begin another, and survives any text (law 9)',
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const mark = bench.mark();
      const lines = ['injected', ...(bench.network.injections?.(rig.login, observer.address) ?? [])];
      const texts = [
        ...lines.flatMap((line) => [
          `${mark}\r\n${line}\r\n`,
          `${mark}\n${line}`,
          `${mark}\r${line}`,
          `${mark}\0${line}`,
        ]),
        `${mark} \ud800 alone, \udc00 alone`,
        `\ufeff${mark}\u2028\u2029\u0085`,
        `${mark} ${'\u0301'.repeat(2_000)}`,
        '',
        ' ',
        '\0',
        '\r\n',
      ];
      for (const text of texts) {
        for (const emote of [false, true]) {
          const { outcome } = await rig.say(observer.address, text, {
            content: { text, ...(emote ? { emote } : {}) },
          });
          expect(['sent', 'pending', 'refused']).toContain(outcome.outcome);
        }
      }
      await hears(bench, rig);
      expect(rig.context.states.filter(({ state }) => state.state === 'backing-off')).toEqual([]);
      // A network whose messages are lines may carry a text's lines one by one; then the plain word arrives as said by us.
      const injected = observer.heard().filter(({ text }) => text === 'injected');
      for (const heard of injected) expect(heard.from).toBe(rig.address);
      expect(injected.length).toBeLessThanOrEqual(
        texts.filter((text) => /[\r\n]injected/.test(text)).length * 2,
      );
    },
  },
  {
    id: 'injection',
    sentence:
      'sends nothing of a protocol that was hidden in a text, an address, an emoji, a note or an option (law 9)',
    needs: [{ act: 'injections' }],
    async run(bench) {
      const observer = await bench.observer();
      const rooms = bench.harness.acts.includes('rooms') ? [await bench.room(observer)] : [];
      const rig = await bench.rig({ rooms });
      const { session, account } = rig;
      const signal = new AbortController().signal;
      for (const line of bench.network.injections?.(rig.login, observer.address) ?? []) {
        for (const end of ['\r\n', '\n', '\r', '\0']) {
          const hidden = `x${end}${line}${end}`;
          await rig.say(observer.address, hidden);
          await rig.say(observer.address, hidden, { content: { text: hidden, emote: true, notice: true } });
          await rig.say(`${observer.address}${end}${line}`, 'x');
          const target = { remoteIds: [{ scope: hidden, id: hidden, by: 'network' } as const], text: hidden };
          await rig.say(observer.address, hidden, { kind: 'edit', target });
          await rig.say(observer.address, hidden, { kind: 'retraction', target });
          await rig.say(observer.address, hidden, {
            kind: 'reaction',
            target,
            reaction: { emoji: hidden, removed: false },
          });
          if (can(session, 'sets-presence')) session.setPresence(account, { presence: 'away', note: hidden });
          if (can(session, 'shows-typing')) session.typing(account, hidden, true);
          if (can(session, 'has-rooms')) {
            const options = { key: hidden, nick: hidden };
            session.setRooms(account, [
              ...rooms.map((address) => ({ address, options: {} })),
              { address: hidden, options },
            ]);
          }
          if (can(session, 'takes-requests')) {
            for (const kind of session.requestKinds) {
              const options = { who: hidden, text: hidden, topic: hidden, reason: hidden, mask: hidden };
              const hurry = AbortSignal.any([signal, AbortSignal.timeout(bench.timing.factMs / 2)]);
              await session.request(account, { kind, conversation: rooms[0] ?? hidden, options }, hurry);
            }
          }
        }
      }
      await hears(bench, rig);
      expect(observer.heard().filter(({ text }) => text === 'injected')).toEqual([]);
    },
  },
  {
    id: 'endless-text',
    sentence: 'answers for a text of a megabyte without losing the link (law 9)',
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const text = 'é'.repeat(megabyte / 2);
      const hurry = AbortSignal.timeout(bench.timing.factMs / 4);
      const { outcome } = await rig.session.send(rig.envelope(observer.address, text), hurry);
      expect(['sent', 'pending', 'refused', 'later', 'unknown']).toContain(outcome);
      await hears(bench, rig);
      expect(rig.context.states.filter(({ state }) => state.state === 'backing-off')).toEqual([]);
    },
  },
];
