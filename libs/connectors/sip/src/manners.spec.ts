/* What is learnt of a peer who takes what they cannot read. */
import { expect, it } from '@jest/globals';
import { Manners } from './manners.js';
import { Scene } from './presence/presence.fixture.js';

const bob = 'bob@example.org';

function of(scene: Scene): Manners {
  return new Manners(scene.parts);
}

it('offers CPIM no more to who takes it and speaks without having told what they were asked', async () => {
  const scene = new Scene();
  const manners = of(scene);
  manners.asked(bob);
  await scene.pass(9_000);
  // A machine may answer faster than it tells.
  manners.spoke(bob);
  expect(manners.takes(bob, 'cpim')).toBe(true);
  await scene.pass(2_000);
  manners.spoke('carol@example.org');
  expect(manners.takes(bob, 'cpim')).toBe(true);
  manners.spoke(bob);
  expect(manners.takes(bob, 'cpim')).toBe(false);
  expect(manners.takes(bob, 'composing')).toBe(true);
  await scene.settle();
  const heir = of(new Scene(scene));
  // What is learnt before it is known what was noted takes nothing from that.
  heir.refused('carol@example.org', 'cpim');
  await scene.settle();
  const third = of(new Scene(scene));
  await third.ready;
  expect(third.takes(bob, 'cpim')).toBe(false);
  expect(third.takes('carol@example.org', 'cpim')).toBe(false);
});

it('offers it to who tells, however late', async () => {
  const scene = new Scene();
  const manners = of(scene);
  manners.asked(bob);
  await scene.pass(60_000);
  manners.told(bob);
  manners.spoke(bob);
  expect(manners.takes(bob, 'cpim')).toBe(true);
  manners.asked(bob);
  await scene.pass(60_000);
  manners.spoke(bob);
  expect(manners.takes(bob, 'cpim')).toBe(false);
  manners.told(bob);
  expect(manners.takes(bob, 'cpim')).toBe(true);
});
