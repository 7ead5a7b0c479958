import { describe, expect, test } from '@jest/globals';
import { readStanza, serialise } from '../core/xml.js';
import { cardPicture, cardPictureIn } from './0153.js';

const presence = (x: string) =>
  cardPictureIn(readStanza(`<presence from='juliet@capulet.com/balcony'>${x}</presence>`));

describe('pictures of cards in presence (XEP-0153)', () => {
  test('a hash, no picture and nothing yet are told apart', () => {
    expect(
      presence(`<x xmlns='vcard-temp:x:update'><photo>01B87fcd030b72895ff8e88db57ec525450f000d</photo></x>`),
    ).toEqual({ hash: '01b87fcd030b72895ff8e88db57ec525450f000d' });
    expect(presence(`<x xmlns='vcard-temp:x:update'><photo/></x>`)).toBe('none');
    expect(presence(`<x xmlns='vcard-temp:x:update'/>`)).toBeUndefined();
    expect(presence('')).toBeUndefined();
  });

  test('what is no hash says nothing', () => {
    expect(presence(`<x xmlns='vcard-temp:x:update'><photo>../../x</photo></x>`)).toBeUndefined();
    expect(presence(`<x xmlns='vcard-temp:x:update'><photo xmlns='urn:evil'/></x>`)).toBeUndefined();
  });

  test('is told in three ways', () => {
    expect(serialise(cardPicture(undefined))).toBe('<x xmlns="vcard-temp:x:update"/>');
    expect(serialise(cardPicture('none'))).toBe('<x xmlns="vcard-temp:x:update"><photo/></x>');
    expect(serialise(cardPicture({ hash: 'ab' }))).toBe(
      '<x xmlns="vcard-temp:x:update"><photo>ab</photo></x>',
    );
  });
});
