import { expect } from '@jest/globals';
import type { Assessment, AssessmentAsk } from '#connector';
import type { ConversationKind } from '#model';
import type { Bench } from '../bench.js';
import type { Case } from '../cases.js';
import { conversationWith, expectLeft } from './talks.js';

/** Texts that are hard to count: nothing, one unit, what needs another coding, what is no character, and very long. */
const texts = [
  '',
  'x',
  '€'.repeat(160),
  '👩‍👩‍👧‍👦'.repeat(40),
  '\ud83d alone \udc00',
  'e' + '\u0301'.repeat(2_000),
  'x'.repeat(65_536),
  '👍🏽'.repeat(8_000),
];

/** The longest that one message may hold up all others, in milliseconds (DESIGN.md §3). */
const longestMs = 50;

function assess(bench: Bench, ask: AssessmentAsk): Assessment {
  const assessment = bench.connector.assess?.(ask);
  if (!assessment) throw new Error('the connector judges nothing');
  return assessment;
}

async function settingsOf({ network }: Bench) {
  return (await network.login({ host: network.host, port: network.port })).settings;
}

export const assesses: readonly Case[] = [
  {
    id: 'assess-sound',
    sentence:
      'judges any text to any address: whole parts, digits to go by, and a time that is yet to come (§8)',
    needs: [{ judges: true }],
    async run(bench) {
      const settings = await settingsOf(bench);
      const at = new Date();
      for (const to of Object.values(bench.harness.addresses.good)) {
        const kind: ConversationKind = bench.connector.addresses.kindOf(to) ?? 'direct';
        for (const text of texts) {
          const ask: AssessmentAsk = { to, kind, content: { text }, settings, at };
          const assessment = assess(bench, ask);
          expect(Number.isInteger(assessment.parts) && assessment.parts >= 1).toBe(true);
          for (const destination of assessment.destinations) expect(destination).toMatch(/^\d{1,32}$/);
          if (assessment.notBefore) {
            expect(assessment.notBefore.at.getTime()).toBeGreaterThan(at.getTime());
            expect(assessment.notBefore.why).toMatch(/\w+ .*\.$/);
          }
          expect(assess(bench, ask)).toEqual(assessment);
        }
      }
    },
  },
  {
    id: 'assess-quick',
    sentence: 'judges the longest text before anybody notices (§3)',
    needs: [{ judges: true }],
    async run(bench) {
      const settings = await settingsOf(bench);
      const [to = ''] = Object.values(bench.harness.addresses.good);
      const kind: ConversationKind = bench.connector.addresses.kindOf(to) ?? 'direct';
      for (const text of texts) {
        // The best of a few: a busy machine may hold up any one of them.
        const took = Array.from({ length: 5 }, () => {
          const before = performance.now();
          assess(bench, { to, kind, content: { text }, settings, at: new Date() });
          return performance.now() - before;
        });
        expect(Math.min(...took)).toBeLessThan(longestMs);
      }
    },
  },
  {
    id: 'assess-parts',
    sentence: 'counts the parts that then leave, and refuses beforehand what it would refuse (§6, parts)',
    needs: [{ judges: true }],
    async run(bench) {
      const observer = await bench.observer();
      const rig = await bench.rig();
      const limit = rig.context.capabilitiesOf(rig.account)?.maxTextBytes ?? 4_000;
      const long = Math.ceil((limit * 2.5) / 20);
      for (const text of ['short', '€'.repeat(long), '👩‍👩‍👧é'.repeat(long)]) {
        const envelope = rig.envelope(conversationWith(observer, rig), bench.mark() + text);
        const { to, conversationKind: kind, content } = envelope;
        const { settings } = rig.login;
        const assessment = assess(bench, { to, kind, content, settings, at: new Date() });
        const outcome = await rig.send(envelope);
        if (outcome.outcome === 'refused') {
          expect(assessment.failure).toMatchObject({ code: outcome.failure.code });
          continue;
        }
        expect(assessment.failure).toBeUndefined();
        expectLeft(outcome);
        const left = outcome.outcome === 'sent' ? outcome.parts.length : undefined;
        const parts = outcome.outcome === 'pending' ? outcome.parts : left;
        expect(parts).toBe(assessment.parts);
      }
    },
  },
  {
    id: 'consent',
    sentence:
      'tells who asks not to be written to, or again, or what this is; by the whole message alone (§8)',
    needs: [{ consents: true }],
    async run(bench) {
      const { consents = { out: '', in: '', help: '' } } = bench.harness;
      const rig = await bench.rig();
      const mark = bench.mark();
      for (const [act, words] of Object.entries(consents)) {
        const observer = await bench.observer();
        const said = [words.toLowerCase(), ` ${words} `, `${mark} do not ${words} now`];
        for (const text of said) await observer.say(rig.address, text);
        const heard = await rig.until('all of it', () => {
          const from = rig.context.messages().filter(({ author }) => author.address === observer.address);
          return from.length >= said.length ? from : undefined;
        });
        const answer = expect.stringMatching(/\w/) as unknown as string;
        expect(heard.map(({ consent }) => consent)).toEqual([{ act, answer }, { act, answer }, undefined]);
      }
    },
  },
];
