/* XMPP's half of what SIP and XMPP mean by the same thing. */
import { describe, expect, test } from '@jest/globals';
import { directText, interworking } from '#connector/testing';
import { newId } from '#model';
import { readStanza, serialise, xml } from './core/xml.js';
import { eventsOf } from './from-xmpp.js';
import { stanzasOf } from './to-xmpp.js';
import { chatState, chatStateIn } from './xep/0085.js';
import { receipt, receiptIn } from './xep/0184.js';
import { presence, presenceOf, subscribingOf, subscription } from './xep/rfc6121.js';
import { bareOf } from './xmpp.addresses.js';

const account = newId<'AccountId'>();

test.each(interworking.addresses)('$of', ({ xmpp, xmppAddress }) => {
  expect(bareOf(xmpp)).toBe(xmppAddress);
});

describe.each(interworking.messages)('$of', ({ from, to, text, xmpp }) => {
  const read = (stanza: string) =>
    eventsOf(readStanza(stanza), {
      account,
      self: to,
      domain: to.slice(to.indexOf('@') + 1),
      rooms: { isRoom: () => false, nickIn: () => undefined },
      mode: 'live',
      now: new Date(),
    });

  test('is read as what the model has', () => {
    expect(read(xmpp)).toMatchObject([
      { type: 'message', conversation: from, author: { address: from }, content: { text } },
    ]);
  });

  test('is said as what reads so', () => {
    const envelope = directText(account, to, text);
    const stanzas = stanzasOf(envelope, { inPrivate: false, maxBytes: 60_000 });
    if ('code' in stanzas) throw new Error(stanzas.code);
    const said = stanzas.map((stanza) => serialise(stanza).replace('<message ', `<message from="${from}" `));
    expect(said.flatMap(read)).toMatchObject([{ author: { address: from }, content: { text } }]);
  });
});

test.each(interworking.composing)('$of', ({ active, xmpp }) => {
  expect(chatStateIn(readStanza(xmpp)) === 'composing').toBe(active);
  const ours = serialise(xml('message', {}, chatState(active ? 'composing' : 'paused')));
  expect(chatStateIn(readStanza(ours)) === 'composing').toBe(active);
});

test.each(interworking.reports)('$of', ({ id, xmpp }) => {
  expect(receiptIn(readStanza(xmpp))).toBe(id);
  expect(receiptIn(readStanza(serialise(xml('message', {}, receipt(id)))))).toBe(id);
});

describe.each(interworking.presence)('$of', ({ state, xmpp, told = state.presence }) => {
  test('is read as what the model has', () => {
    // Of whom XMPP tells nothing, nothing is known.
    const heard = xmpp === undefined ? { presence: 'unknown' } : presenceOf(readStanza(xmpp));
    expect(heard).toMatchObject(state);
  });

  test('is told as what reads so', () => {
    expect(presenceOf(readStanza(serialise(presence(state))))).toMatchObject({ ...state, presence: told });
  });
});

test.each(interworking.subscriptions)('$of', ({ step, xmpp }) => {
  expect(subscribingOf(readStanza(xmpp))).toBe(step);
  expect(subscribingOf(readStanza(serialise(subscription('romeo@example.net', step))))).toBe(step);
});
