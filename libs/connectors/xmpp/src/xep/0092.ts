/* XEP-0092: Software Version. */
import { xml, type Element } from '../core/xml.js';
import { wordsIn } from './reading.js';

export const versionNs = 'jabber:iq:version';

export interface SoftwareVersion {
  readonly name: string;
  readonly version: string;
  readonly system?: string;
}

/** Asks what somebody runs; goes in an iq get. */
export function versionAsk(): Element {
  return xml('query', { xmlns: versionNs });
}

/** Reads an answer; undefined where it lacks a name or version. */
export function versionOf(query: Element | undefined): SoftwareVersion | undefined {
  if (query?.is('query', versionNs) !== true) return undefined;
  const [name, version, system] = ['name', 'version', 'os'].map((part) =>
    wordsIn(query, part, versionNs, 256),
  );
  if (name === undefined || version === undefined) return undefined;
  return { name, version, ...(system !== undefined && { system }) };
}

/** Says what we are. The operating system is nobody's business (§5). */
export function versionAnswer(name: string, version: string): Element {
  return xml('query', { xmlns: versionNs }, xml('name', {}, name), xml('version', {}, version));
}
