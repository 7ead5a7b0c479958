import { expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { isPing, ping } from './0199.js';

test('a ping is known by its namespace (XEP-0199)', () => {
  const payload = (text: string) => readStanza(`<iq type='get'>${text}</iq>`).getChildElements()[0] ?? ping();
  expect(isPing(payload(`<ping xmlns='urn:xmpp:ping'/>`))).toBe(true);
  expect(isPing(payload(`<ping xmlns='urn:xmpp:pong'/>`))).toBe(false);
  expect(serialise(ping())).toBe('<ping xmlns="urn:xmpp:ping"/>');
});
