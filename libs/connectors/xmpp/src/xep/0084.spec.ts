import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { avatarData, avatarDataOf, avatarId, avatarMetadata, avatarsOf, pictureHashOf } from './0084.js';

const payload = (text: string) => readStanza(`<iq>${text}</iq>`).getChildElements()[0];
const id = '111f4b3c50d7b0df729d299bc6f8e9ef9066971f';

describe('avatars (XEP-0084)', () => {
  test('metadata tells which pictures there are', () => {
    expect(
      avatarsOf(
        payload(`<metadata xmlns='urn:xmpp:avatar:metadata'>
      <info bytes='12345' height='64' id='${id}' type='image/png' width='64'/>
      <info bytes='23456' height='64' id='357a8123a30844a3aa99861b6349264ba67a5694' type='image/gif' url='http://avatars.example.org/happy.gif' width='64'/>
      <pointer><x xmlns='http://example.com/virtualworlds'/></pointer></metadata>`),
      ),
    ).toEqual([
      { id, bytes: 12_345, mediaType: 'image/png', width: 64, height: 64 },
      {
        id: '357a8123a30844a3aa99861b6349264ba67a5694',
        bytes: 23_456,
        mediaType: 'image/gif',
        width: 64,
        height: 64,
        url: 'http://avatars.example.org/happy.gif',
      },
    ]);
  });

  test('empty metadata takes the avatar down; what is no metadata says nothing', () => {
    expect(avatarsOf(payload(`<metadata xmlns='urn:xmpp:avatar:metadata'/>`))).toEqual([]);
    expect(avatarsOf(payload(`<metadata xmlns='urn:xmpp:avatar:data'/>`))).toBeUndefined();
    expect(avatarsOf(undefined)).toBeUndefined();
  });

  test('a picture without an id, a size or a type is none, and neither is one with an id that is no hash', () => {
    expect(
      avatarsOf(
        payload(`<metadata xmlns='urn:xmpp:avatar:metadata'><info bytes='1' type='image/png'/><info id='${id}' type='image/png'/>
      <info id='${id}' bytes='1'/><info id='../../etc/passwd' bytes='1' type='image/png'/><info id='${id}' bytes='-1' type='image/png'/></metadata>`),
      ),
    ).toEqual([]);
  });

  test('bytes are taken only if they are those of the id', () => {
    const bytes = Buffer.from('a picture');
    const data = payload(serialise(avatarData({ bytes })));
    expect(avatarDataOf(data, avatarId(bytes).toUpperCase(), 100)).toEqual(bytes);
    expect(avatarDataOf(data, id, 100)).toBeUndefined();
    expect(avatarDataOf(data, avatarId(bytes), 5)).toBeUndefined();
    expect(
      avatarDataOf(
        payload(`<data xmlns='urn:xmpp:avatar:metadata'>YQ==</data>`),
        avatarId(Buffer.from('a')),
        9,
      ),
    ).toBeUndefined();
  });

  test('our own picture is told as others read it', () => {
    const bytes = Buffer.from('a picture');
    expect(avatarsOf(payload(serialise(avatarMetadata({ bytes, mediaType: 'image/png' }))))).toEqual([
      { id: avatarId(bytes), bytes: 9, mediaType: 'image/png' },
    ]);
    expect(serialise(avatarMetadata())).toBe('<metadata xmlns="urn:xmpp:avatar:metadata"/>');
    expect(pictureHashOf('nonsense')).toBeUndefined();
  });
});
