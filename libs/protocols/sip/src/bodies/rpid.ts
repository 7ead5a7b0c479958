/*
 * Rich presence: what somebody does and whether their device is in use (RFC 4480), said of a person (RFC 4479) or of one
 * of their services. Moods, places, spheres and the rest of it are not read.
 */
import { momentOf } from './times.js';
import { xmlChild, xmlElement, xmlElements, xmlText, type XmlElement } from './xml.js';

export const rpidNamespace = 'urn:ietf:params:xml:ns:pidf:rpid';
export const dataModelNamespace = 'urn:ietf:params:xml:ns:pidf:data-model';

/** What is said of a person or service besides whether it can be reached. */
export interface Rpid {
  /** By the names of RFC 4480 §3.2: `away`, `busy`, `on-the-phone` … */
  readonly activities: readonly string[];
  /** The device is not in use (§3.14): since when, or for how many seconds at least, where that is said. */
  readonly idle?: { readonly since?: Date; readonly thresholdSeconds?: number };
}

const mostActivities = 20;

/**
 * Whether an element is of rich presence. Drafts of it wrote other namespaces below this one, which phones still use.
 */
function isRpid(element: XmlElement, name: string): boolean {
  return (
    element.name === name && (element.ns === rpidNamespace || element.ns.startsWith(`${rpidNamespace}:`))
  );
}

/** Reads what an element (`person`, `tuple`, or a `status` of drafts in it) says. Never fails: what is not said is not there. */
export function rpidIn(element: XmlElement): Rpid {
  const inside = [element, ...xmlElements(element).filter(({ name }) => name === 'status')].flatMap(
    xmlElements,
  );
  const activities = inside
    .filter((child) => isRpid(child, 'activities'))
    .flatMap(xmlElements)
    .filter(({ name }) => name !== 'note')
    .map((activity) => (activity.name === 'other' ? xmlText(activity).trim() : activity.name))
    .filter((name) => name !== '')
    .slice(0, mostActivities);
  const input = inside.find((child) => isRpid(child, 'user-input'));
  const idle = input !== undefined && xmlText(input).trim() === 'idle';
  const since = momentOf(input?.attributes.get('last-input') ?? input?.attributes.get('since'));
  const threshold = secondsOf(input?.attributes.get('idle-threshold'));
  return {
    activities: [...new Set(activities)],
    ...(idle && {
      idle: {
        ...(since !== undefined && { since }),
        ...(threshold !== undefined && { thresholdSeconds: threshold }),
      },
    }),
  };
}

function secondsOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : undefined;
}

/** Writes it, as children of a person or tuple. */
export function rpidElements({ activities, idle }: Rpid): readonly XmlElement[] {
  const known = activities.map((name) =>
    // A name that is none of XML's goes as `other` (§3.2).
    /^[a-z][a-z-]{0,40}$/.test(name)
      ? xmlElement(rpidNamespace, name)
      : xmlElement(rpidNamespace, 'other', {}, [name]),
  );
  return [
    ...(known.length > 0 ? [xmlElement(rpidNamespace, 'activities', {}, known)] : []),
    ...(idle
      ? [
          xmlElement(
            rpidNamespace,
            'user-input',
            {
              'idle-threshold': idle.thresholdSeconds?.toFixed(0),
              'last-input': idle.since?.toISOString(),
            },
            ['idle'],
          ),
        ]
      : []),
  ];
}

/** Whether an element is somebody as a whole (RFC 4479 §3.2), by its name today or that of drafts. */
export function isPerson(element: XmlElement): boolean {
  return (
    element.name === 'person' &&
    (element.ns === dataModelNamespace || element.ns === 'urn:ietf:params:xml:ns:pidf:person')
  );
}

/** A word of the data model directly in an element. */
export function dataModelText(element: XmlElement, name: string): string | undefined {
  const found = xmlChild(element, dataModelNamespace, name);
  return found && xmlText(found).trim();
}
