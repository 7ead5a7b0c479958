/*
 * XEP-0084: User Avatar. What somebody looks like: metadata tells which pictures there are, by the SHA-1 of their bytes,
 * and the bytes are fetched when they are wanted.
 */
import { createHash } from 'node:crypto';
import { xml, type Element } from '../core/xml.js';
import type { Picture } from './0054.js';
import { attribute, bytesOf, listOf, webAddressOf, wholeNumber } from './reading.js';

export const avatarDataNs = 'urn:xmpp:avatar:data';
export const avatarMetadataNs = 'urn:xmpp:avatar:metadata';

const mostInfos = 20;

export interface AvatarInfo {
  /** The SHA-1 of the bytes, in lower-case hexadecimal: also the id of the item that holds them. */
  readonly id: string;
  readonly bytes: number;
  readonly mediaType: string;
  readonly width?: number;
  readonly height?: number;
  /** Where the picture lies if not in an item (§4.2.1). */
  readonly url?: string;
}

/** The pictures that a payload tells of (§4.2): none where the avatar has been taken down; undefined where it is none. */
export function avatarsOf(payload: Element | undefined): readonly AvatarInfo[] | undefined {
  if (payload?.is('metadata', avatarMetadataNs) !== true) return undefined;
  return listOf(payload, 'info', avatarMetadataNs, mostInfos, infoOf);
}

function infoOf(info: Element): AvatarInfo | undefined {
  const id = pictureHashOf(attribute(info, 'id'));
  const bytes = wholeNumber(attribute(info, 'bytes'));
  const mediaType = attribute(info, 'type', 128);
  if (id === undefined || bytes === undefined || mediaType === undefined) return undefined;
  const width = wholeNumber(attribute(info, 'width'), 65_535);
  const height = wholeNumber(attribute(info, 'height'), 65_535);
  const url = webAddressOf(attribute(info, 'url', 4_096));
  return {
    id,
    bytes,
    mediaType,
    ...(width !== undefined && { width }),
    ...(height !== undefined && { height }),
    ...(url !== undefined && { url }),
  };
}

/** A SHA-1 in hexadecimal, in lower case; undefined for what is none. */
export function pictureHashOf(text: string | undefined): string | undefined {
  return text !== undefined && /^[0-9a-f]{40}$/i.test(text) ? text.toLowerCase() : undefined;
}

/**
 * The bytes of a picture (§4.1); undefined where they are not those of its id.
 * @param most of more bytes nothing is taken.
 */
export function avatarDataOf(payload: Element | undefined, id: string, most: number): Uint8Array | undefined {
  if (payload?.is('data', avatarDataNs) !== true) return undefined;
  const bytes = bytesOf(payload.getText(), most);
  return bytes !== undefined && avatarId(bytes) === id.toLowerCase() ? bytes : undefined;
}

/** The id of a picture: the SHA-1 of its bytes. */
export function avatarId(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('hex');
}

/** The bytes of our own picture, for an item with its id. */
export function avatarData({ bytes }: Picture): Element {
  return xml('data', { xmlns: avatarDataNs }, Buffer.from(bytes).toString('base64'));
}

/** Tells of our own picture, for an item with its id; without one that there is none (§3.5). */
export function avatarMetadata(picture?: Picture): Element {
  return xml(
    'metadata',
    { xmlns: avatarMetadataNs },
    picture &&
      xml('info', {
        id: avatarId(picture.bytes),
        bytes: picture.bytes.length,
        type: picture.mediaType ?? 'application/octet-stream',
      }),
  );
}
