/* The house's own test of who may see our person, where phones ask ourselves: then our person's answers are the law. */
import { it } from '@jest/globals';
import { runCase } from '#connector/testing';
import { sandboxUp, sipHarness } from '#connectors/sip/testing';

it('tells who asks to see our person, and gives the answer, also one given before they asked (§6)', async () => {
  const harness = sipHarness(() => sandboxUp({ presence: 'phones' }));
  await runCase({ ...harness, acts: [...harness.acts, 'admissions'] }, 'admissions');
});
