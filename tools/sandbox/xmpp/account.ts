import type { Element } from './element.js';
import { Archive } from './archive.js';
import type { Session } from './session.js';

export interface RosterItem {
  readonly jid: string;
  name?: string;
  groups: readonly string[];
  subscription: 'none' | 'to' | 'from' | 'both';
  /** We have asked, and were not answered. */
  ask: boolean;
  /** They may see us as soon as they ask (RFC 6121 §3.4). */
  approved: boolean;
}

/** A node of somebody's own (XEP-0163). */
export interface Node {
  readonly items: Map<string, Element>;
  access: string;
  most: number;
}

/** One who can sign in, and all that the server keeps for them. */
export class Account {
  readonly name: string;
  readonly bare: string;
  password: string | undefined;
  readonly sessions = new Map<string, Session>();
  readonly roster = new Map<string, RosterItem>();
  rosterVersion = 1;
  /** Who has asked to see us, and was not answered. */
  readonly asking = new Map<string, Element>();
  readonly archive = new Archive();
  /** What came while nobody was there. */
  offline: Element[] = [];
  readonly blocked = new Set<string>();
  readonly nodes = new Map<string, Node>();
  readonly privates = new Map<string, Element>();
  vcard: Element | undefined;

  constructor(name: string, domain: string, password: string | undefined) {
    this.name = name;
    this.bare = `${name}@${domain}`;
    this.password = password;
  }

  /** Sessions that have shown themselves. */
  get available(): readonly Session[] {
    return [...this.sessions.values()].filter(({ presence }) => presence !== undefined);
  }

  blocks(address: string): boolean {
    const [bare = ''] = address.split('/');
    const domain = bare.slice(bare.indexOf('@') + 1);
    return this.blocked.size > 0 && [address, bare, domain].some((one) => this.blocked.has(one));
  }
}
