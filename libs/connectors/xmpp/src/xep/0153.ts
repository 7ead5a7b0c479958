/* XEP-0153: vCard-Based Avatars. A presence tells which picture is in somebody's card, by its SHA-1. */
import { xml, type Element } from '../core/xml.js';
import { pictureHashOf } from './0084.js';

export const cardUpdateNs = 'vcard-temp:x:update';

/** What a presence says of a picture: its hash, or that there is none. */
export type CardPicture = { readonly hash: string } | 'none';

/** Reads it (§4.1); undefined where nothing is said, or not yet: only then may what was known stay as it is. */
export function cardPictureIn(presence: Element): CardPicture | undefined {
  const photo = presence.getChild('x', cardUpdateNs)?.getChild('photo', cardUpdateNs);
  if (photo === undefined) return undefined;
  const text = photo.getText().trim();
  if (text === '') return 'none';
  const hash = pictureHashOf(text);
  return hash === undefined ? undefined : { hash };
}

/** What our own presence says: a hash, that there is none, or (`undefined`) that we do not know yet. */
export function cardPicture(picture: CardPicture | undefined): Element {
  return xml(
    'x',
    { xmlns: cardUpdateNs },
    picture === undefined ? undefined : xml('photo', {}, picture === 'none' ? undefined : picture.hash),
  );
}
