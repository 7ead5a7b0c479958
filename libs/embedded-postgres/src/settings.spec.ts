import { describe, expect, it } from '@jest/globals';
import { milliseconds, startupSettings } from './settings.js';

const asked = (parameters: Record<string, string>): Record<string, string> =>
  Object.fromEntries(startupSettings(new Map(Object.entries(parameters))));

describe('the settings of a new connection', () => {
  it('are its parameters, over those in its options', () => {
    expect(
      asked({
        user: 'alice',
        database: 'postgres',
        client_encoding: 'UTF8',
        application_name: 'web',
        DateStyle: 'ISO',
        options: '-c application_name=other -csearch_path=a\\ b,c --work-mem=1MB -x',
      }),
    ).toEqual({ application_name: 'web', datestyle: 'ISO', search_path: 'a b,c', work_mem: '1MB' });
  });
});

describe('a time', () => {
  it('is read with its unit', () => {
    expect(['250', '2s', '1 min', '0', '', 'x', undefined].map(milliseconds)).toEqual([
      250,
      2_000,
      60_000,
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});
