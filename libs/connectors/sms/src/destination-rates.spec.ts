import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '#connector/testing';
import { DestinationRates } from './destination-rates.js';

const german = '+4915550001111';
const american = '+12025550111';

describe('the rate of a destination', () => {
  const rates = (...list: ConstructorParameters<typeof DestinationRates>[0]) => {
    const clock = new ManualClock();
    return { clock, rates: new DestinationRates(list, clock, () => 0) };
  };

  it('lets so many through in a second, and holds nobody else up', () => {
    const { clock, rates: given } = rates({ to: 'DE', perSecond: 2 });
    expect([given.take([german]), given.take([german]), given.take([german])]).toEqual([0, 0, 500]);
    expect(given.take([american])).toBe(0);
    clock.advance(500);
    expect([given.take([german]), given.take([german])]).toEqual([0, 500]);
  });

  it('counts where any of several rates bounds a number, and takes nothing from one where another holds it', () => {
    const { clock, rates: given } = rates({ to: 'DE', perSecond: 10 }, { to: '+4915', perSecond: 1 });
    expect([given.take([german]), given.take([german])]).toEqual([0, 1_000]);
    expect(given.take(['+498955501'])).toBe(0);
    clock.advance(1_000);
    expect(given.take([german, american])).toBe(0);
  });

  it('below one a second is one text now and the next after the whole pause', () => {
    const { clock, rates: given } = rates({ to: '+1', perSecond: 0.1 });
    expect([given.take([american]), given.take([american])]).toEqual([0, 10_000]);
    clock.advance(10_000);
    expect(given.take([american])).toBe(0);
  });
});
