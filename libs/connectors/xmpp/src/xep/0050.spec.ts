import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { commanding, commandOf, commandsAsk } from './0050.js';

const answered = (text: string) =>
  commandOf(readStanza(`<iq type="result">${text}</iq>`).getChildElements()[0]);

describe('ad-hoc commands (XEP-0050)', () => {
  test('a stage says what may come next', () => {
    expect(
      answered(`<command xmlns='http://jabber.org/protocol/commands' sessionid='config:20020923T213616Z-700' node='config' status='executing'>
      <actions execute='complete'><prev/><complete/></actions>
      <x xmlns='jabber:x:data' type='form'><title>Configure Service</title><field var='state' label='Run State' type='list-single'><value>off</value></field></x>
      <note type='warn'>Careful</note></command>`),
    ).toMatchObject({
      node: 'config',
      sessionId: 'config:20020923T213616Z-700',
      status: 'executing',
      actions: ['prev', 'complete', 'cancel'],
      byDefault: 'complete',
      notes: [{ type: 'warn', text: 'Careful' }],
      form: { title: 'Configure Service' },
    });
  });

  test('without a word about it, a stage is the only one; a finished command takes nothing more', () => {
    expect(
      answered(
        `<command xmlns='http://jabber.org/protocol/commands' node='n' sessionid='s' status='executing'/>`,
      ),
    ).toMatchObject({ actions: ['complete', 'cancel'], byDefault: 'complete' });
    expect(
      answered(
        `<command xmlns='http://jabber.org/protocol/commands' node='n' status='completed'><note>Service has been configured.</note></command>`,
      ),
    ).toMatchObject({ actions: [], notes: [{ type: 'info', text: 'Service has been configured.' }] });
  });

  test('a default that is not among the actions is not believed', () => {
    expect(
      answered(
        `<command xmlns='http://jabber.org/protocol/commands' node='n' status='executing'><actions execute='prev'><next/></actions></command>`,
      )?.byDefault,
    ).toBe('next');
  });

  test.each([
    `<command xmlns='http://jabber.org/protocol/commands' status='executing'/>`,
    `<command xmlns='http://jabber.org/protocol/commands' node='n'/>`,
    `<command xmlns='http://jabber.org/protocol/commands' node='n' status='dreaming'/>`,
    `<command xmlns='urn:evil' node='n' status='completed'/>`,
    '',
  ])('%s is no command', (text) => {
    expect(answered(text)).toBeUndefined();
  });

  test('is asked for, begun, gone on with and given up', () => {
    expect(serialise(commandsAsk())).toBe(
      '<query xmlns="http://jabber.org/protocol/disco#items" node="http://jabber.org/protocol/commands"/>',
    );
    expect(serialise(commanding('list'))).toBe(
      '<command xmlns="http://jabber.org/protocol/commands" node="list" action="execute"/>',
    );
    expect(serialise(commanding('config', { action: 'cancel', sessionId: 's' }))).toBe(
      '<command xmlns="http://jabber.org/protocol/commands" node="config" action="cancel" sessionid="s"/>',
    );
  });
});
