import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { directInvite, directInviteIn } from './0249.js';

describe('direct invitations (XEP-0249)', () => {
  test('an invitation is read with all that it says', () => {
    expect(
      directInviteIn(
        readStanza(
          `<message from='crone1@shakespeare.lit/desktop'><x xmlns='jabber:x:conference' continue='true' jid='darkcave@macbeth.shakespeare.lit' password='cauldronburn' reason='Hey Hecate!'/></message>`,
        ),
      ),
    ).toEqual({
      jid: 'darkcave@macbeth.shakespeare.lit',
      password: 'cauldronburn',
      reason: 'Hey Hecate!',
      continues: true,
    });
    expect(serialise(directInvite({ jid: 'a@b', reason: 'r' }))).toBe(
      '<x xmlns="jabber:x:conference" jid="a@b" reason="r"/>',
    );
  });

  test.each([
    `<x xmlns='jabber:x:conference'/>`,
    `<x xmlns='jabber:x:evil' jid='a@b'/>`,
    `<x xmlns='jabber:x:conference' jid='${'j'.repeat(4_000)}'/>`,
  ])('%s is none', (x) => {
    expect(directInviteIn(readStanza(`<message>${x}</message>`))).toBeUndefined();
  });
});
