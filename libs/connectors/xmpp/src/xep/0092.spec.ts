import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { versionAnswer, versionAsk, versionOf } from './0092.js';

const answered = (text: string) => versionOf(readStanza(`<iq>${text}</iq>`).getChildElements()[0]);

describe('software version (XEP-0092)', () => {
  test('an answer tells name, version and system', () => {
    expect(
      answered(
        `<query xmlns='jabber:iq:version'><name>Exodus</name><version>0.7.0.4</version><os>Windows-XP 5.01.2600</os></query>`,
      ),
    ).toEqual({ name: 'Exodus', version: '0.7.0.4', system: 'Windows-XP 5.01.2600' });
    expect(answered(serialise(versionAnswer('Parley', '1')))).toEqual({ name: 'Parley', version: '1' });
    expect(serialise(versionAsk())).toBe('<query xmlns="jabber:iq:version"/>');
  });

  test('what lacks a name or a version tells nothing, and long words are cut', () => {
    expect(answered(`<query xmlns='jabber:iq:version'><name>x</name></query>`)).toBeUndefined();
    expect(answered(`<query xmlns='urn:v'><name>x</name><version>1</version></query>`)).toBeUndefined();
    expect(
      answered(`<query xmlns='jabber:iq:version'><name>${'n'.repeat(999)}</name><version>1</version></query>`)
        ?.name,
    ).toHaveLength(256);
  });
});
