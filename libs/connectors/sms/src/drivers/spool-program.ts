/*
 * What a program that drives a modem writes and reads in its directories. Pure: names and octets in, names and octets out;
 * spool-line.ts moves the files.
 */
import type { Part, TextPlan } from '#protocols/smpp';
import type { TypedNumber } from '../sms.addresses.js';

/** The directories of a program, below its own. */
export interface SpoolBoxes {
  /** Where texts to be sent are put. */
  readonly outgoing: string;
  /** Where they lie meanwhile, where the program has such a place. */
  readonly between?: string;
  readonly sent: string;
  readonly failed: string;
  /** Where texts and reports of the network come. */
  readonly incoming: readonly string[];
}

export interface SpoolFile {
  readonly name: string;
  readonly octets: Buffer;
}

export interface OutgoingText {
  /** The id that a part's file bears in its name, so that it is known again; parts count from 0. */
  readonly wireId: (part: number) => string;
  /** One of our addresses: `+` and digits, or a short code. */
  readonly to: string;
  readonly plan: TextPlan;
  readonly receipts: boolean;
}

/** Somebody wrote. */
export interface SpoolText {
  readonly from: Pick<TypedNumber, 'ton' | 'addr'>;
  readonly body: { readonly text: string } | { readonly bytes: Buffer } | { readonly part: Part };
}

/** The network says what became of a text of ours: `reference` is what the program noted when it was sent. */
export interface SpoolReport {
  readonly reference: string;
  readonly to: string;
  readonly state: 'delivered' | 'failed' | 'waiting';
  readonly detail?: string;
}

/** What the program noted in the file of a text that it has sent, or has given up. */
export interface SpoolFate {
  /** A report of the network will bear this. */
  readonly reference?: string;
  readonly to?: string;
  readonly detail?: string;
}

export interface SpoolProgram {
  readonly name: string;
  readonly boxes: SpoolBoxes;
  /** The files that make the program send a text. The same text always has the same files. */
  write(text: OutgoingText): readonly SpoolFile[];
  /** The wire id in the name of a file of ours. */
  ours(name: string): string | undefined;
  /** Which text a file that came is of, and which part of it, from 0; undefined: it is nothing that came. */
  arrived(name: string): { readonly text: string; readonly part: number } | undefined;
  /** Reads the files of one text, in order of their parts. Undefined where they say nothing that could be understood. */
  read(files: readonly SpoolFile[]): SpoolText | SpoolReport | undefined;
  fate(file: SpoolFile): SpoolFate;
}
