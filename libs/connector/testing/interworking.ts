/*
 * What SIP and XMPP mean by the same thing, as RFC 7247 (addresses), 7572 (messages) and 8048 (presence) put it, with the
 * model between them: each connector's specs hold its half of every vector, in both directions. So whatever one network
 * says is on the other what those standards want it to be. The scenes are those of their examples; what tells nothing here
 * (branches, tags, lengths) is our own.
 */
import type { Presence, PresenceState } from '#model';

interface Vector {
  /** Where it is from: the standard and the place in it. */
  readonly of: string;
}

/** Somebody as each network names them. */
export interface AddressVector extends Vector {
  /** A URI from the wire. */
  readonly sip: string;
  /** The same somebody as the house knows them there. */
  readonly sipAddress: string;
  /** A JID from the wire. */
  readonly xmpp: string;
  readonly xmppAddress: string;
}

const resources: readonly AddressVector[] = [
  {
    of: 'RFC 7247: the same user and domain',
    sip: 'sip:juliet@example.com',
    sipAddress: 'juliet@example.com',
    xmpp: 'juliet@example.com',
    xmppAddress: 'juliet@example.com',
  },
  {
    of: 'RFC 7247: a device by its GRUU and by its resource is of the same somebody',
    sip: 'sip:juliet@example.com;gr=yn0cl4bnw0yr3vym',
    sipAddress: 'juliet@example.com',
    xmpp: 'juliet@example.com/yn0cl4bnw0yr3vym',
    xmppAddress: 'juliet@example.com',
  },
  {
    of: 'RFC 7247: what a SIP URI may not hold is escaped there',
    sip: 'sip:tsch%C3%BCss@example.com',
    sipAddress: 'tsch%C3%BCss@example.com',
    xmpp: 'tschüss@example.com',
    xmppAddress: 'tschüss@example.com',
  },
  {
    of: 'RFC 7247: URIs for messages and presence name the same',
    sip: 'im:juliet@example.com',
    sipAddress: 'juliet@example.com',
    xmpp: 'juliet@example.com',
    xmppAddress: 'juliet@example.com',
  },
];

/** One message as each network carries it. */
export interface MessageVector extends Vector {
  readonly from: string;
  readonly to: string;
  /** What is said. */
  readonly text: string;
  /** The MESSAGE request, with line feeds alone. */
  readonly sip: string;
  /** The stanza. */
  readonly xmpp: string;
}

const messages: readonly MessageVector[] = [
  {
    of: 'RFC 7572 §4, examples 1 and 2: from XMPP to SIP',
    from: 'juliet@example.com',
    to: 'romeo@example.net',
    text: 'Art thou not Romeo, and a Montague?',
    xmpp: `<message from='juliet@example.com/yn0cl4bnw0yr3vym' to='romeo@example.net'><body>Art thou not Romeo, and a Montague?</body></message>`,
    sip: `MESSAGE sip:romeo@example.net SIP/2.0
Via: SIP/2.0/TCP x2s.example.com;branch=z9hG4bK776sgdkse
Max-Forwards: 70
To: sip:romeo@example.net
From: <sip:juliet@example.com;gr=yn0cl4bnw0yr3vym>;tag=12345
Call-ID: D9AA95FD-2BD5-46E2-AF0F-6CFAA96BDDFA
CSeq: 1 MESSAGE
Content-Type: text/plain
Content-Length: 35

Art thou not Romeo, and a Montague?`,
  },
  {
    of: 'RFC 7572 §5, examples 3 and 4: from SIP to XMPP',
    from: 'romeo@example.net',
    to: 'juliet@example.com',
    text: 'Neither, fair saint, if either thee dislike.',
    xmpp: `<message from='romeo@example.net' to='juliet@example.com'><body>Neither, fair saint, if either thee dislike.</body></message>`,
    sip: `MESSAGE sip:juliet@example.com SIP/2.0
Via: SIP/2.0/TCP s2x.example.net;branch=z9hG4bKeskdgs677
Max-Forwards: 70
To: sip:juliet@example.com
From: sip:romeo@example.net;tag=38594
Call-ID: EFF9A3B5-6E8C-4F2D-A35E-94B4D1C7E9F0
CSeq: 1 MESSAGE
Content-Type: text/plain
Content-Length: 44

Neither, fair saint, if either thee dislike.`,
  },
  {
    of: 'RFC 7572 §4 and §5, tables: a subject, and a language, which the model does not keep',
    from: 'romeo@example.net',
    to: 'juliet@example.com',
    text: 'Hi!\nMeet me at the orchard, ‹schöne› Julia & co.',
    xmpp: `<message from='romeo@example.net' to='juliet@example.com' xml:lang='en'><subject>Hi!</subject><body>Meet me at the orchard, ‹schöne› Julia &amp; co.</body></message>`,
    sip: `MESSAGE sip:juliet@example.com SIP/2.0
Via: SIP/2.0/TCP s2x.example.net;branch=z9hG4bKzie8s7
Max-Forwards: 70
To: sip:juliet@example.com
From: sip:romeo@example.net;tag=vwxyz
Call-ID: 9E97FB43-85F4-4A00-8751-1124FD4C7B2E
CSeq: 1 MESSAGE
Subject: Hi!
Content-Language: en
Content-Type: text/plain;charset=utf-8
Content-Length: 53

Meet me at the orchard, ‹schöne› Julia & co.`,
  },
];

/** How reachable somebody is, as each network tells it. */
export interface PresenceVector extends Vector {
  readonly state: PresenceState;
  /** The body of a NOTIFY or PUBLISH. */
  readonly sip: string;
  /** The stanza; absent where XMPP tells nothing. */
  readonly xmpp?: string;
  /** What comes of what a network is told by us, where it is less than this. */
  readonly told?: Presence;
}

function pidf(tuple: string, more = ''): string {
  return `<?xml version="1.0" encoding="UTF-8"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="pres:juliet@example.com">${tuple}${more}</presence>`;
}

const open = (show: string, more = ''): string =>
  pidf(`<tuple id="ID-yn0cl4bnw0yr3vym"><status><basic>open</basic>${show}</status>${more}</tuple>`);
const shown = (word: string): string => `<show xmlns="jabber:client">${word}</show>`;
const from = `from='juliet@example.com/yn0cl4bnw0yr3vym' to='romeo@example.net'`;

const presence: readonly PresenceVector[] = [
  {
    of: 'RFC 8048: available',
    state: { presence: 'available' },
    xmpp: `<presence ${from}/>`,
    sip: open(''),
  },
  {
    of: 'RFC 8048, examples of a changed presence: away, in both words',
    state: { presence: 'away' },
    xmpp: `<presence ${from}><show>away</show></presence>`,
    sip: open(shown('away')),
  },
  {
    of: 'RFC 8048, table 1: extended away',
    state: { presence: 'extended-away' },
    xmpp: `<presence ${from}><show>xa</show></presence>`,
    sip: open(shown('xa')),
  },
  {
    of: 'RFC 8048, table 1: busy',
    state: { presence: 'busy' },
    xmpp: `<presence ${from}><show>dnd</show></presence>`,
    sip: open(shown('dnd')),
  },
  {
    of: 'RFC 8048, table 1: free to chat',
    state: { presence: 'chatty' },
    xmpp: `<presence ${from}><show>chat</show></presence>`,
    sip: open(shown('chat')),
  },
  {
    of: 'RFC 8048, table 1: a status is a note',
    state: { presence: 'away', note: 'On the balcony' },
    xmpp: `<presence ${from}><show>away</show><status>On the balcony</status></presence>`,
    sip: open(shown('away'), '<note>On the balcony</note>'),
  },
  {
    of: 'RFC 8048, table 2: a priority is of one device and the model does not keep it',
    state: { presence: 'available' },
    xmpp: `<presence ${from}><priority>13</priority></presence>`,
    sip: open('', '<contact priority="0.1">im:juliet@example.com</contact>'),
  },
  {
    of: 'RFC 8048: unavailable is closed',
    state: { presence: 'offline' },
    xmpp: `<presence ${from} type='unavailable'/>`,
    sip: pidf('<tuple id="ID-yn0cl4bnw0yr3vym"><status><basic>closed</basic></status></tuple>'),
  },
  {
    of: 'RFC 8048, RFC 3856 §6.6.2: a first notification may say nothing, and that is not offline',
    state: { presence: 'unknown' },
    sip: pidf(''),
    told: 'available',
  },
  {
    of: 'RFC 4480 §3.2: busy, in the words of SIP alone',
    state: { presence: 'busy' },
    xmpp: `<presence ${from}><show>dnd</show></presence>`,
    sip: pidf(
      '<tuple id="t1"><status><basic>open</basic></status></tuple>',
      '<dm:person xmlns:dm="urn:ietf:params:xml:ns:pidf:data-model" id="p1"><r:activities xmlns:r="urn:ietf:params:xml:ns:pidf:rpid"><r:busy/></r:activities></dm:person>',
    ),
  },
];

/** A step of a subscription to presence, between those who see and those who are seen. */
export interface SubscriptionVector extends Vector {
  readonly step: 'subscribe' | 'subscribed' | 'unsubscribe' | 'unsubscribed';
  /** The request by which SIP takes it: the fields of it that tell. */
  readonly sip: {
    readonly method: 'SUBSCRIBE' | 'NOTIFY';
    readonly fields: Readonly<Record<string, string>>;
  };
  readonly xmpp: string;
}

const subscriptions: readonly SubscriptionVector[] = [
  {
    of: 'RFC 8048: somebody asks to see',
    step: 'subscribe',
    sip: { method: 'SUBSCRIBE', fields: { event: 'presence', expires: '3600' } },
    xmpp: `<presence from='juliet@example.com' to='romeo@example.net' type='subscribe'/>`,
  },
  {
    of: 'RFC 8048: and is let see',
    step: 'subscribed',
    sip: { method: 'NOTIFY', fields: { event: 'presence', 'subscription-state': 'active;expires=3599' } },
    xmpp: `<presence from='romeo@example.net' to='juliet@example.com' type='subscribed'/>`,
  },
  {
    of: 'RFC 8048: and is not, or no more',
    step: 'unsubscribed',
    sip: {
      method: 'NOTIFY',
      fields: { event: 'presence', 'subscription-state': 'terminated;reason=rejected' },
    },
    xmpp: `<presence from='romeo@example.net' to='juliet@example.com' type='unsubscribed'/>`,
  },
  {
    of: 'RFC 8048: and does not want to any more',
    step: 'unsubscribe',
    sip: { method: 'SUBSCRIBE', fields: { event: 'presence', expires: '0' } },
    xmpp: `<presence from='juliet@example.com' to='romeo@example.net' type='unsubscribe'/>`,
  },
];

/** Somebody is writing, or has stopped. */
export interface ComposingVector extends Vector {
  readonly active: boolean;
  /** The body of the MESSAGE, of type `application/im-iscomposing+xml`. */
  readonly sip: string;
  readonly xmpp: string;
}

const composing: readonly ComposingVector[] = [
  {
    of: 'RFC 7572, on composing events: somebody is writing',
    active: true,
    sip: '<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>active</state><contenttype>text/plain</contenttype></isComposing>',
    xmpp: `<message ${from} type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
  },
  {
    of: 'RFC 7572, on composing events: and has stopped',
    active: false,
    sip: '<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>idle</state><contenttype>text/plain</contenttype></isComposing>',
    xmpp: `<message ${from} type='chat'><paused xmlns='http://jabber.org/protocol/chatstates'/></message>`,
  },
];

/** A message of ours has come to them. */
export interface ReportVector extends Vector {
  /** By what it is named. */
  readonly id: string;
  /** The body of the MESSAGE, of type `message/imdn+xml`. */
  readonly sip: string;
  readonly xmpp: string;
}

const reports: readonly ReportVector[] = [
  {
    of: 'RFC 7572, on delivery reports: it has come',
    id: 'bf9m36d5',
    sip: '<imdn xmlns="urn:ietf:params:xml:ns:imdn"><message-id>bf9m36d5</message-id><delivery-notification><status><delivered/></status></delivery-notification></imdn>',
    xmpp: `<message ${from}><received xmlns='urn:xmpp:receipts' id='bf9m36d5'/></message>`,
  },
];

/** All vectors. */
export const interworking = {
  addresses: resources,
  messages,
  composing,
  reports,
  presence,
  subscriptions,
};
