import { describe, expect, it } from '@jest/globals';
import { Dialog, dialogIdOf } from './dialog.js';
import { requestOf, responseOf, type SipRequest, type SipResponse } from './message.js';

const invite = (more: Readonly<Record<string, string | readonly string[]>> = {}): SipRequest =>
  requestOf('INVITE', 'sip:bob@example.org', {
    via: 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1',
    from: 'Alice <sip:alice@example.org>;tag=a',
    to: '<sip:bob@example.org>',
    'call-id': 'call',
    cseq: '10 INVITE',
    contact: '<sip:alice@192.0.2.1:5070>',
    ...more,
  });

const ok = (more: Readonly<Record<string, string | readonly string[]>> = {}): SipResponse =>
  responseOf(200, 'OK', {
    from: 'Alice <sip:alice@example.org>;tag=a',
    to: '<sip:bob@example.org>;tag=b',
    'call-id': 'call',
    cseq: '10 INVITE',
    contact: '<sip:bob@192.0.2.2>;expires=60',
    ...more,
  });

function dialogOf(made: Dialog | undefined): Dialog {
  if (made === undefined) throw new Error('no dialog');
  return made;
}

const routes = ['<sip:p1.example.org;lr>', '<sip:p2.example.org;lr>'];

describe('a dialog', () => {
  it('of who asks goes back the way of the Record-Route, to the Contact', () => {
    const dialog = dialogOf(Dialog.fromUac(invite(), ok({ 'record-route': routes.join(', ') })));
    const bye = dialog.next('BYE');
    expect(bye).toMatchObject({ method: 'BYE', uri: 'sip:bob@192.0.2.2' });
    expect(bye.headers.list('route')).toEqual(routes.toReversed());
    expect(bye.headers.get('from')).toBe('Alice <sip:alice@example.org>;tag=a');
    expect(bye.headers.get('to')).toBe('<sip:bob@example.org>;tag=b');
    expect(bye.headers.get('cseq')).toBe('11 BYE');
    expect(dialog.hopUri).toBe('sip:p2.example.org;lr');
    expect(dialog.next('INFO').headers.get('cseq')).toBe('12 INFO');
  });

  it('of who is asked goes there in the order of the Record-Route', () => {
    const dialog = dialogOf(Dialog.fromUas(invite({ 'record-route': routes }), ok()));
    const bye = dialog.next('BYE');
    expect(bye).toMatchObject({ uri: 'sip:alice@192.0.2.1:5070' });
    expect(bye.headers.list('route')).toEqual(routes);
    expect(bye.headers.get('from')).toBe('<sip:bob@example.org>;tag=b');
    expect(bye.headers.get('to')).toBe('Alice <sip:alice@example.org>;tag=a');
  });

  it('gives a strict router the Request-URI, and the target as the last route (§12.2.1.1)', () => {
    const strict = ['<sip:p1.example.org>', '<sip:p2.example.org;lr>'];
    const { uri, headers } = dialogOf(Dialog.fromUas(invite({ 'record-route': strict }), ok())).next('BYE');
    expect(uri).toBe('sip:p1.example.org');
    expect(headers.list('route')).toEqual(['<sip:p2.example.org;lr>', '<sip:alice@192.0.2.1:5070>']);
  });

  it('is the same after it was written down', () => {
    const dialog = dialogOf(Dialog.fromUac(invite(), ok({ 'record-route': routes })));
    dialog.next('INFO');
    const again = Dialog.fromJSON(JSON.parse(JSON.stringify(dialog)) as ReturnType<Dialog['toJSON']>);
    expect(again.id).toBe(dialog.id);
    expect(again.next('BYE')).toEqual(dialog.next('BYE'));
  });

  it('knows its own requests, and those that are older than one before', () => {
    const dialog = dialogOf(Dialog.fromUac(invite(), ok()));
    const theirs = (cseq: string, tag = 'b'): SipRequest => {
      const method = cseq.split(' ')[1] ?? '';
      const from = `<sip:bob@example.org>;tag=${tag}`;
      return requestOf(method, 'sip:alice@192.0.2.1:5070', {
        from,
        to: '<sip:alice@example.org>;tag=a',
        'call-id': 'call',
        cseq,
        contact: '<sip:bob@192.0.2.3>',
      });
    };
    expect(dialogIdOf(theirs('5 INFO'), 'uas')).toBe(dialog.id);
    expect(dialog.receives(theirs('5 INFO'))).toBe('ok');
    expect(dialog.remoteTarget).toBe('sip:bob@192.0.2.2');
    expect(dialog.receives(theirs('4 INFO'))).toBe('out-of-order');
    expect(dialog.receives(theirs('6 INFO', 'c'))).toBe('not-mine');
    expect(dialog.receives(theirs('9 INVITE'))).toBe('ok');
    expect(dialog.remoteTarget).toBe('sip:bob@192.0.2.3');
    expect(dialog.receives(theirs('5 ACK'))).toBe('ok');
  });

  it('goes to the Contact of the last 2xx, and counts on from what was sent', () => {
    const dialog = dialogOf(Dialog.fromUac(invite(), ok()));
    dialog.refresh(ok({ contact: '<sip:bob@192.0.2.4>' }));
    dialog.refresh(ok({ contact: '<sip:bob@192.0.2.5>', cseq: '11 INFO' }));
    dialog.refresh(ok({ contact: '<sip:bob@192.0.2.6>', to: '<sip:bob@example.org>;tag=another-fork' }));
    dialog.sent(invite({ cseq: '20 INVITE' }));
    dialog.sent(invite({ cseq: '15 INVITE' }));
    expect(dialog.next('BYE')).toMatchObject({ uri: 'sip:bob@192.0.2.4' });
    expect(dialog.next('BYE').headers.get('cseq')).toBe('22 BYE');
  });

  it('is one for each fork, and none without a tag or a Contact', () => {
    const forks = ['b', 'c'].map((tag) =>
      Dialog.fromUac(invite(), ok({ to: `<sip:bob@example.org>;tag=${tag}` })),
    );
    expect(new Set(forks.map((fork) => fork?.id)).size).toBe(2);
    expect(Dialog.fromUac(invite(), ok({ to: '<sip:bob@example.org>' }))).toBeUndefined();
    expect(Dialog.fromUac(invite(), ok({ contact: [] }))).toBeUndefined();
    expect(Dialog.fromUac(invite(), { ...ok(), status: 486 })).toBeUndefined();
    expect(Dialog.fromUas(invite({ contact: '*' }), ok())).toBeUndefined();
  });
});
