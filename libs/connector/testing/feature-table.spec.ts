import { expect, it } from '@jest/globals';
import { fallback, native, notCarried } from '#connector';
import { featureTable } from './feature-table.js';

it('writes a row per feature, both ways, with what it needs and what it was proved on', () => {
  const table = featureTable(
    [
      { feature: 'messages', out: native(), in: native('whole'), provedOn: ['one', 'two'] },
      { feature: 'edits', out: fallback('* new'), in: notCarried, needs: ['a|b'], provedOn: ['two'] },
      { feature: 'marks', out: '-', in: { level: 'none', how: 'not yet' }, provedOn: [] },
    ],
    { one: 'One', two: 'a sandbox' },
  );
  expect(table).toBe(
    [
      '|          | out            | in          | needs | proved on      |',
      '| -------- | -------------- | ----------- | ----- | -------------- |',
      '| messages | yes            | yes: whole  |       | One, a sandbox |',
      '| edits    | as text: * new | no          | a\\|b  | a sandbox      |',
      '| marks    | –              | no: not yet |       |                |',
    ].join('\n'),
  );
});
