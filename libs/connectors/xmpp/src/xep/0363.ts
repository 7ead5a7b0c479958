/*
 * XEP-0363: HTTP File Upload. A service gives a slot: one address to put a file to, another to get it from.
 */
import { xml, type Element } from '../core/xml.js';
import { valueIn } from './0004.js';
import type { DiscoInfo } from './0030.js';
import { attribute, childrenOf, momentOf, oneOf, textIn, webAddressOf, wholeNumber } from './reading.js';

export const uploadNs = 'urn:xmpp:http:upload:0';

/** The headers that a service may have us send (§5): no other would be passed on. */
const headerNames = ['authorization', 'cookie', 'expires'] as const;
const mostHeader = 8_192;

export interface UploadSlot {
  readonly put: {
    readonly url: string;
    readonly headers: readonly (readonly [name: string, value: string])[];
  };
  readonly get: string;
}

/** Whether somebody is a service for uploads, and how large a file it takes at most, in bytes, where it says so (§3). */
export function uploadServiceOf(info: DiscoInfo): { readonly maxBytes?: number } | undefined {
  if (!info.features.includes(uploadNs)) return undefined;
  const form = info.forms.find(({ formType }) => formType === uploadNs);
  const maxBytes = wholeNumber(valueIn(form, 'max-file-size'));
  return maxBytes === undefined ? {} : { maxBytes };
}

/**
 * Asks for a slot (§4); goes in an iq get.
 * @param size in bytes: exactly so many must be put.
 */
export function slotAsk(file: {
  readonly name: string;
  readonly size: number;
  readonly mediaType?: string;
}): Element {
  const { name, size, mediaType } = file;
  return xml('request', { xmlns: uploadNs, filename: name, size, 'content-type': mediaType });
}

/**
 * Reads a slot. Undefined where it lacks an address, or has one that is not `https` (§4 demands it).
 * @param insecure the account's settings allow `http` as well, for servers on a closed network.
 */
export function slotOf(answer: Element | undefined, insecure = false): UploadSlot | undefined {
  if (answer?.is('slot', uploadNs) !== true) return undefined;
  const put = answer.getChild('put', uploadNs);
  const get = answer.getChild('get', uploadNs);
  const [putUrl, getUrl] = [put, get].map((one) => secured(one && attribute(one, 'url', 4_096), insecure));
  if (put === undefined || putUrl === undefined || getUrl === undefined) return undefined;
  const headers = childrenOf(put, 'header', uploadNs, 20).flatMap((header) => {
    const name = oneOf(attribute(header, 'name')?.toLowerCase(), headerNames);
    // A line break in a value is taken out (§5); any other control ends in a refusal to send the header at all.
    const value = header.getText().replace(/[\r\n]/g, '');
    return name === undefined || value.length > mostHeader || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value)
      ? []
      : [[name, value] as const];
  });
  return { put: { url: putUrl, headers }, get: getUrl };
}

function secured(url: string | undefined, insecure: boolean): string | undefined {
  const address = webAddressOf(url);
  return address !== undefined && (insecure || new URL(address).protocol === 'https:') ? address : undefined;
}

/** Why a slot was refused (§4.1), as far as the service says more than a stanza error does. */
export type SlotRefusal =
  | { readonly refusal: 'too-large'; readonly maxBytes?: number }
  | { readonly refusal: 'later'; readonly at: Date };

/** Reads it from the error of the answer; undefined where nothing more is said. */
export function slotRefusalOf(error: Element | undefined): SlotRefusal | undefined {
  const tooLarge = error?.getChild('file-too-large', uploadNs);
  if (tooLarge !== undefined) {
    const maxBytes = wholeNumber(textIn(tooLarge, 'max-file-size', uploadNs));
    return { refusal: 'too-large', ...(maxBytes !== undefined && { maxBytes }) };
  }
  const retry = error?.getChild('retry', uploadNs);
  const at = retry && momentOf(attribute(retry, 'stamp'));
  return at && { refusal: 'later', at };
}
