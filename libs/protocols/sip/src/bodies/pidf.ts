/*
 * Presence documents (RFC 3863), with what RFC 4479 and 4480 add: who is reachable by which service, what they do, and a
 * note. Several services of somebody are made one by `summaryOf`.
 */
import type { Fault } from './fault.js';
import {
  dataModelNamespace,
  dataModelText,
  isPerson,
  rpidElements,
  rpidIn,
  rpidNamespace,
  type Rpid,
} from './rpid.js';
import { momentOf } from './times.js';
import {
  readXml,
  writeXml,
  xmlChild,
  xmlChildren,
  xmlElement,
  xmlElements,
  xmlText,
  type XmlElement,
} from './xml.js';

export const pidfType = 'application/pidf+xml';
const pidfNamespace = 'urn:ietf:params:xml:ns:pidf';
/** RFC 8048 carries the word of XMPP beside `basic`, in its own namespace. */
const xmppNamespace = 'jabber:client';
const mostTuples = 200;
const mostNotes = 20;
const mostNote = 2_000;

export interface Note {
  readonly text: string;
  /** As RFC 5646 has it. */
  readonly language?: string;
}

/** A service by which somebody can be reached, or cannot. */
export interface PidfTuple extends Rpid {
  readonly id: string;
  readonly basic?: 'open' | 'closed';
  /** How XMPP says it: `chat`, `away`, `xa`, `dnd` (RFC 8048, table 1). */
  readonly show?: string;
  readonly contact?: {
    readonly uri: string;
    /** From 0 to 1, the highest first (§4.1.5). */
    readonly priority?: number;
  };
  readonly notes: readonly Note[];
  readonly timestamp?: Date;
}

/** Somebody, whatever service they use. */
export interface PidfPerson extends Rpid {
  readonly id: string;
  readonly notes: readonly Note[];
  readonly timestamp?: Date;
}

export interface Pidf {
  /** Whose presence it is, a URI: `pres:alice@example.org`, `sip:alice@example.org`. */
  readonly entity: string;
  readonly tuples: readonly PidfTuple[];
  readonly persons: readonly PidfPerson[];
  readonly notes: readonly Note[];
}

/** Reads a document; unknown elements in it are passed over (§4.2). */
export function readPidf(bytes: Buffer): Pidf | Fault {
  const root = readXml(bytes);
  if ('fault' in root) return root;
  if (root.name !== 'presence' || root.ns !== pidfNamespace) {
    return { fault: 'The document is no presence of RFC 3863.' };
  }
  const persons = xmlElements(root).filter(isPerson).slice(0, mostTuples);
  return {
    entity: root.attributes.get('entity')?.trim() ?? '',
    tuples: xmlChildren(root, pidfNamespace, 'tuple').slice(0, mostTuples).map(tupleOf),
    persons: persons.map(personOf),
    notes: notesIn(root, pidfNamespace),
  };
}

function tupleOf(tuple: XmlElement): PidfTuple {
  const status = xmlChild(tuple, pidfNamespace, 'status');
  const basic = status && textIn(status, pidfNamespace, 'basic');
  const show = status && textIn(status, xmppNamespace, 'show');
  const contact = xmlChild(tuple, pidfNamespace, 'contact');
  const priority = priorityOf(contact?.attributes.get('priority'));
  const uri = contact === undefined ? '' : xmlText(contact).trim();
  const timestamp =
    momentOf(textIn(tuple, pidfNamespace, 'timestamp')) ?? momentOf(dataModelText(tuple, 'timestamp'));
  return {
    ...rpidIn(tuple),
    id: tuple.attributes.get('id') ?? '',
    ...((basic === 'open' || basic === 'closed') && { basic }),
    ...(show !== undefined && show !== '' && { show }),
    ...(uri !== '' && { contact: { uri, ...(priority !== undefined && { priority }) } }),
    notes: notesIn(tuple, pidfNamespace, dataModelNamespace),
    ...(timestamp !== undefined && { timestamp }),
  };
}

function personOf(person: XmlElement): PidfPerson {
  const timestamp = momentOf(dataModelText(person, 'timestamp'));
  return {
    ...rpidIn(person),
    id: person.attributes.get('id') ?? '',
    notes: notesIn(person, person.ns, dataModelNamespace, pidfNamespace, rpidNamespace),
    ...(timestamp !== undefined && { timestamp }),
  };
}

function textIn(element: XmlElement, ns: string, name: string): string | undefined {
  const found = xmlChild(element, ns, name);
  return found && xmlText(found).trim();
}

function notesIn(element: XmlElement, ...namespaces: readonly string[]): readonly Note[] {
  return xmlElements(element)
    .filter(({ name, ns }) => name === 'note' && namespaces.includes(ns))
    .slice(0, mostNotes)
    .map((note) => {
      const language = note.attributes.get('xml:lang');
      const text = xmlText(note).trim().slice(0, mostNote).toWellFormed();
      return { text, ...(language !== undefined && { language }) };
    })
    .filter(({ text }) => text !== '');
}

function priorityOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*(?:0(?:\.\d{0,9})?|1(?:\.0{0,9})?|\.\d{1,9})\s*$/.test(text)
    ? Number(text)
    : undefined;
}

/** At most three decimals (§4.4). */
function priorityText(priority: number | undefined): string | undefined {
  return priority === undefined
    ? undefined
    : String(Math.round(Math.min(1, Math.max(0, priority)) * 1_000) / 1_000);
}

/** Writes a document. An id that XML would not take (`xs:ID`) is made into one. */
export function writePidf({ entity, tuples, persons, notes }: Pidf): Buffer {
  const root = xmlElement(pidfNamespace, 'presence', { entity }, [
    ...tuples.map(tupleElement),
    ...notes.map(noteElement(pidfNamespace)),
    ...persons.map(personElement),
  ]);
  return Buffer.from(writeXml(root, { [dataModelNamespace]: 'dm', [rpidNamespace]: 'rpid' }));
}

/** In the order of the schema (§4.4): status, extensions, contact, notes, timestamp. */
function tupleElement({ id, basic, show, contact, notes, timestamp, ...rpid }: PidfTuple): XmlElement {
  return xmlElement(pidfNamespace, 'tuple', { id: idOf(id) }, [
    xmlElement(pidfNamespace, 'status', {}, [
      basic === undefined ? undefined : xmlElement(pidfNamespace, 'basic', {}, [basic]),
      show === undefined ? undefined : xmlElement(xmppNamespace, 'show', {}, [show]),
    ]),
    ...rpidElements(rpid),
    contact &&
      xmlElement(pidfNamespace, 'contact', { priority: priorityText(contact.priority) }, [contact.uri]),
    ...notes.map(noteElement(pidfNamespace)),
    timestamp && xmlElement(pidfNamespace, 'timestamp', {}, [timestamp.toISOString()]),
  ]);
}

function personElement({ id, notes, timestamp, ...rpid }: PidfPerson): XmlElement {
  return xmlElement(dataModelNamespace, 'person', { id: idOf(id) }, [
    ...rpidElements(rpid),
    ...notes.map(noteElement(dataModelNamespace)),
    timestamp && xmlElement(dataModelNamespace, 'timestamp', {}, [timestamp.toISOString()]),
  ]);
}

const noteElement =
  (ns: string) =>
  ({ text, language }: Note): XmlElement =>
    xmlElement(ns, 'note', { 'xml:lang': language }, [text]);

function idOf(id: string): string {
  const clean = id.replace(/[^A-Za-z0-9_.-]/g, '_');
  return /^[A-Za-z_]/.test(clean) ? clean : `t${clean}`;
}

/** What all services of somebody and they themselves say, as one. */
export interface PidfSummary extends Rpid {
  /** Open where any service is; undefined where none says: nothing is known then. */
  readonly basic?: 'open' | 'closed';
  readonly show?: string;
  readonly note?: string;
  /** When the service that counts said it. */
  readonly timestamp?: Date;
}

/**
 * Makes one of several services: one that is open counts before one that is closed, then the contact's priority, then the
 * newer word. What the person does, by the newest word of theirs, goes before what the service says of it.
 */
export function summaryOf({ tuples, persons, notes }: Pidf): PidfSummary {
  const saying = newestOfEach(tuples.filter(({ basic }) => basic !== undefined));
  const [best] = [...saying].sort(
    (one, other) =>
      (one.basic === 'open' ? 0 : 1) - (other.basic === 'open' ? 0 : 1) ||
      (other.contact?.priority ?? 0) - (one.contact?.priority ?? 0) ||
      timeOf(other) - timeOf(one),
  );
  const [person] = [...persons].sort((one, other) => timeOf(other) - timeOf(one));
  const idle = person?.idle ?? best?.idle;
  const said = [...(best?.notes ?? []), ...(person?.notes ?? []), ...notes][0];
  const timestamp = best?.timestamp ?? person?.timestamp;
  return {
    activities: person && person.activities.length > 0 ? person.activities : (best?.activities ?? []),
    ...(idle && { idle }),
    ...(best?.basic && { basic: best.basic }),
    ...(best?.show !== undefined && { show: best.show }),
    ...(said && { note: said.text }),
    ...(timestamp && { timestamp }),
  };
}

/**
 * Of one service told twice, the newer word: a server joins documents of which one may be a remnant, whose publisher lost its
 * entity tag (RFC 3903 §4.1).
 */
function newestOfEach(tuples: readonly PidfTuple[]): readonly PidfTuple[] {
  const newest = new Map<string, PidfTuple>();
  for (const tuple of tuples) {
    const known = newest.get(tuple.id);
    if (known === undefined || timeOf(tuple) >= timeOf(known)) newest.set(tuple.id, tuple);
  }
  return [...newest.values()];
}

function timeOf({ timestamp }: { readonly timestamp?: Date }): number {
  return timestamp?.getTime() ?? 0;
}
