/*
 * What a deliver_sm or data_sm says: a text, octets that are none, or a part of either. The octets of a part stay as
 * they are until all are there, for a character may begin in one and end in the next.
 */
import { hasUdh } from '../numbers.js';
import { decodeText, readDataCoding, toUcs2, type Coding } from './codings.js';
import { parseHeader, possible, type Concatenation, type HeaderElement } from './headers.js';

/** The fields that matter, as they came. */
export interface ReceivedFields {
  readonly esmClass: number;
  readonly dataCoding: number;
  readonly shortMessage: Uint8Array;
  readonly messagePayload?: Uint8Array;
  /** `sar_msg_ref_num`, `sar_total_segments` and `sar_segment_seqnum`, where all three were there. */
  readonly sar?: { readonly reference: number; readonly of: number; readonly number: number };
}

/** A part whose text is not read yet. */
export interface Part extends Concatenation {
  readonly coding: Coding;
  readonly bytes: Buffer;
}

export type Content = { readonly text: string } | { readonly bytes: Buffer };

export type Incoming = (Content | { readonly part: Part }) & {
  /** 3GPP TS 23.038 §4: 0 is a flash. */
  readonly messageClass?: 0 | 1 | 2 | 3;
  /** The header was there and could not be read; why. Its elements do not count. */
  readonly headerFault?: string;
  /** All elements of the header, the understood ones too. */
  readonly elements: readonly HeaderElement[];
};

/**
 * Reads a message. Never throws, and loses nothing: what cannot be read as text is given as octets.
 * @param smscDefault what data_coding 0 means at this message centre
 */
export function readMessage(received: ReceivedFields, smscDefault: Coding = 'gsm7'): Incoming {
  // SMPP 3.4 §5.3.2.32: the octets are in the one field or in the other.
  const payload = received.shortMessage.length === 0 ? received.messagePayload : undefined;
  const octets = payload ?? received.shortMessage;
  const userData = hasUdh(received.esmClass) ? parseHeader(octets) : undefined;
  const { coding, messageClass } = readDataCoding(received.dataCoding, smscDefault);
  const read = userData && 'elements' in userData ? userData : undefined;
  const bytes = userData?.body ?? Buffer.from(octets);
  const beside = {
    ...(messageClass === undefined ? {} : { messageClass }),
    ...(userData && 'malformed' in userData ? { headerFault: userData.malformed } : {}),
    elements: read?.elements ?? [],
  };
  // A header is the handset's own word; what the message centre says beside it is about the same parts.
  const concatenation = read?.concatenation ?? (received.sar && possible({ size: 'sar', ...received.sar }));
  if (concatenation && concatenation.of > 1) return { part: { ...concatenation, coding, bytes }, ...beside };
  return { ...contentOf([{ coding, bytes }]), ...beside };
}

/** A part whose text is known already, as some gateways hand parts on. */
export function partOfText(concatenation: Concatenation, text: string): Part {
  return { ...concatenation, coding: 'ucs2', bytes: toUcs2(text) };
}

/** What stands for parts that are not there. */
const gap = '[…]';

/**
 * Joins parts, in order; undefined stands for parts that are missing. Neighbours of one coding are read as one. Where any
 * is binary, all are octets, and what is missing is simply not among them.
 */
export function contentOf(parts: readonly (Pick<Part, 'coding' | 'bytes'> | undefined)[]): Content {
  if (parts.some((part) => part?.coding === 'binary')) {
    return { bytes: Buffer.concat(parts.flatMap((part) => (part ? [part.bytes] : []))) };
  }
  let text = '';
  let run: Buffer[] = [];
  parts.forEach((part, index) => {
    if (part === undefined) {
      text += parts[index - 1] === undefined && index > 0 ? '' : gap;
      return;
    }
    run.push(part.bytes);
    if (part.coding === 'binary' || parts[index + 1]?.coding === part.coding) return;
    text += decodeText(part.coding, Buffer.concat(run));
    run = [];
  });
  return { text };
}
