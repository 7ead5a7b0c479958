import { describe, expect, it } from '@jest/globals';
import type { Connector, ConnectorDescription } from '#connector';
import { titleOf, type Case } from './cases.js';
import type { Harness } from './harness.js';

const description: ConnectorDescription = {
  protocol: 'x',
  name: 'X',
  mark: 'x',
  settings: {},
  secrets: {},
  capabilities: { rooms: 'native', edits: 'fallback' },
  abilities: ['paces'],
  flood: { burst: 1, perSecond: 1 },
  observes: 'sent',
  inFlight: { perLane: 1, perLink: 1 },
  losses: [],
};
const connector = { describe: () => description } as Connector;
const harness: Harness = {
  connector,
  start: () => Promise.reject(new Error('never')),
  acts: ['rooms'],
  addresses: { good: {} },
  exceptions: { odd: 'the network is odd' },
};
const test = (id: string, needs: Case['needs'] = []): Case => ({
  id,
  sentence: 'does it',
  needs,
  run: () => Promise.resolve(),
});

describe('a test of the kit', () => {
  it('runs when all that it needs is declared', () => {
    const one = test('x', [
      { capability: 'rooms' },
      { ability: 'paces' },
      { act: 'rooms' },
      { without: 'typing' },
    ]);
    expect(titleOf(harness, one)).toEqual({ title: 'does it', skipped: false });
  });

  it('is skipped with the names of what is not', () => {
    const one = test('x', [
      { capability: 'edits' },
      { ability: 'edits' },
      { act: 'typing' },
      { timing: 'silenceMs' },
      { judges: true },
      { consents: true },
    ]);
    expect(titleOf(harness, one)).toEqual({
      title:
        'does it (not declared: edits, edits, harness: typing, harness: silenceMs, assess, harness: consents)',
      skipped: true,
    });
  });

  it('about what the network does not offer is skipped with its name', () => {
    const lacking: Harness = { ...harness, lacks: ['typing'] };
    expect(titleOf(lacking, test('x', [{ here: 'typing' }]))).toEqual({
      title: 'does it (not declared: harness: typing)',
      skipped: true,
    });
    expect(titleOf(harness, test('x', [{ here: 'typing' }]))).toMatchObject({ skipped: false });
  });

  it('about what a network lacks is skipped where it does not', () => {
    expect(titleOf(harness, test('x', [{ without: 'rooms' }]))).toMatchObject({ skipped: true });
  });

  it('is excused by its id, with the reason', () => {
    expect(titleOf(harness, test('odd'))).toEqual({
      title: 'does it (exception: the network is odd)',
      skipped: true,
    });
  });
});
