import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Bench } from './bench.js';
import { titleOf, type Case } from './cases.js';
import { abilities } from './cases/abilities.js';
import { assesses } from './cases/assesses.js';
import { calls } from './cases/calls.js';
import { describes } from './cases/describes.js';
import { ends } from './cases/ends.js';
import { files } from './cases/files.js';
import { hostile } from './cases/hostile.js';
import { links } from './cases/links.js';
import { past } from './cases/past.js';
import { stores } from './cases/stores.js';
import { talks } from './cases/talks.js';
import { webhooks } from './cases/webhooks.js';
import { defaultTiming, type Harness } from './harness.js';

const chapters: Readonly<Record<string, readonly Case[]>> = {
  'what it says of itself': describes,
  'what it carries': talks,
  'what it says of a message beforehand': assesses,
  'what else it can do': abilities,
  'calls that come and go': calls,
  'files that come and go': files,
  'what was said before': past,
  'storage comes first': stores,
  'links break': links,
  'peers are hostile': hostile,
  'its provider calls': webhooks,
  'it ends well': ends,
};

/**
 * One suite for every connector. Each test is a sentence with the law of DESIGN.md that it holds the connector to; a test
 * that needs something undeclared is skipped with its name. What throws where nobody catches it fails the test that runs:
 * Jest sees to that (handlers of ours would see nothing from inside its sandbox).
 */
export function describeConnector(name: string, harness: Harness): void {
  describe(`${name} keeps the contract`, () => {
    const timing = { ...defaultTiming, ...harness.timing };
    const bench = new Bench(harness, timing);
    const patience = timing.factMs * 6;
    beforeAll(() => bench.start(), patience);
    afterAll(() => bench.stop(), patience);

    for (const [chapter, cases] of Object.entries(chapters)) {
      describe(chapter, () => {
        for (const one of cases) {
          const { title, skipped } = titleOf(harness, one);
          if (skipped) it.skip(title, () => undefined);
          else it(title, () => run(bench, one), patience);
        }
      });
    }

    it('touched nothing after its end in any of these tests, and broke the contract in none (§8, MUST NOT)', () => {
      expect(bench.late()).toEqual([]);
    });

    it('is excused only from tests that exist', () => {
      const ids = Object.values(chapters).flatMap((cases) => cases.map(({ id }) => id));
      expect(new Set(ids).size).toBe(ids.length);
      for (const id of Object.keys(harness.exceptions ?? {})) expect(ids).toContain(id);
    });
  });
}

/** Runs one test of the suite by its id, on a network of its own. For proofs that the suite sees what it should. */
export async function runCase(harness: Harness, id: string): Promise<void> {
  const one = Object.values(chapters)
    .flat()
    .find((each) => each.id === id);
  if (!one) throw new Error(`there is no test ${id}`);
  const bench = new Bench(harness, { ...defaultTiming, ...harness.timing });
  await bench.start();
  try {
    await run(bench, one);
  } finally {
    await bench.stop();
  }
}

/** Runs one test, ends what it has opened whatever became of it, and holds it to the contract's MUST NOTs. */
async function run(bench: Bench, one: Case): Promise<void> {
  let breaches: readonly string[] = [];
  try {
    await one.run(bench);
  } finally {
    breaches = await bench.clear();
  }
  expect(breaches).toEqual([]);
}
