import { expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { replyIn, replying } from './0461.js';

test('a reply names the message that it answers (XEP-0461)', () => {
  const read = (text: string) => replyIn(readStanza(`<message><body>Great idea!</body>${text}</message>`));
  expect(read(`<reply to='anna@example.com/tablet' id='message-id1' xmlns='urn:xmpp:reply:0'/>`)).toEqual({
    id: 'message-id1',
    to: 'anna@example.com/tablet',
  });
  expect(read(`<reply id='a' xmlns='urn:xmpp:reply:0'/>`)).toEqual({ id: 'a' });
  for (const text of [`<reply to='a@b' xmlns='urn:xmpp:reply:0'/>`, `<reply id='a' xmlns='urn:evil'/>`, ''])
    expect(read(text)).toBeUndefined();
  expect(serialise(replying({ id: 'a', to: 'b@c' }))).toBe(
    '<reply xmlns="urn:xmpp:reply:0" id="a" to="b@c"/>',
  );
});
