/* Questions (iq, RFC 6120 §8.2.3): who answers them, and the answers of the server for itself and for its people. */
import { jid } from './addresses.js';
import { askArchive } from './archive.js';
import { blocking } from './blocking.js';
import { discoInfo, discoItems } from './disco.js';
import { copy, el, elements, type Element } from './element.js';
import { ns } from './namespaces.js';
import { isPerson, pubsub } from './nodes.js';
import type { SandboxXmppFeature } from './options.js';
import { register } from './registration.js';
import { admin, owner } from './room-rule.js';
import type { Session } from './session.js';
import { bounce, payload, result } from './stanzas.js';
import { roster } from './subscriptions.js';
import type { World } from './world.js';

type Answerer = (world: World, session: Session, iq: Element) => void;

function answering(make: (world: World, session: Session, iq: Element) => Element): Answerer {
  return (world, session, iq) => {
    session.deliver(make(world, session, iq));
  };
}

const vcard: Answerer = (world, session, iq) => {
  const account = world.account(iq.attrs['to'] ?? session.account.bare);
  if (iq.attrs['type'] === 'set') {
    if (account !== session.account) session.deliver(bounce(iq, 'auth', 'forbidden'));
    else {
      const given = payload(iq);
      account.vcard = given && copy(given);
      session.deliver(result(iq));
    }
  } else if (account?.vcard === undefined) {
    // XEP-0054 §3.1: one's own is then empty; that of others is not there.
    const isOwn = account === session.account;
    session.deliver(isOwn ? result(iq, el('vCard', ns.vcard)) : bounce(iq, 'cancel', 'item-not-found'));
  } else session.deliver(result(iq, copy(account.vcard)));
};

const privates: Answerer = (_, session, iq) => {
  const query = payload(iq);
  const [asked] = query ? elements(query) : [];
  if (asked === undefined) {
    session.deliver(bounce(iq, 'modify', 'bad-request'));
    return;
  }
  const key = `${asked.name} ${asked.attrs['xmlns'] ?? ''}`;
  if (iq.attrs['type'] === 'set') session.account.privates.set(key, copy(asked));
  const kept = session.account.privates.get(key) ?? el(asked.name, asked.attrs['xmlns'] ?? '');
  session.deliver(iq.attrs['type'] === 'set' ? result(iq) : result(iq, el('query', ns.private, copy(kept))));
};

const carbons: Answerer = (_, session, iq) => {
  session.hasCarbons = payload(iq)?.name === 'enable';
  session.deliver(result(iq));
};

const own: Answerer = (world, session, iq) => {
  askArchive(world, session.account.archive, iq, (one) => {
    session.deliver(copy(one, { from: session.account.bare, to: session.full }));
  });
};

/** What the server answers for itself (`to` its domain) or for the asker (no `to`, or the asker's own address). */
const answerers: Readonly<
  Record<string, { readonly answer: Answerer; readonly needs?: SandboxXmppFeature }>
> = {
  [ns.roster]: { answer: roster },
  [ns.discoInfo]: { answer: answering((world, { account }, iq) => discoInfo(world, iq, account.bare)) },
  [ns.discoItems]: { answer: answering((world, { account }, iq) => discoItems(world, iq, account.bare)) },
  [ns.ping]: { answer: answering((_, __, iq) => result(iq)), needs: 'ping' },
  [ns.session]: { answer: answering((_, __, iq) => result(iq)) },
  [ns.version]: {
    answer: answering((_, __, iq) => result(iq, el('query', ns.version, el('name', {}, 'Sandbox')))),
  },
  [ns.register]: { answer: answering((world, { account }, iq) => register(world, iq, account)) },
  [ns.vcard]: { answer: vcard, needs: 'vcards' },
  [ns.private]: { answer: privates, needs: 'private-storage' },
  [ns.blocking]: { answer: blocking, needs: 'blocking' },
  [ns.carbons]: { answer: carbons, needs: 'carbons' },
  [ns.mam]: { answer: own, needs: 'archive' },
  [ns.pubsub]: { answer: pubsub, needs: 'pep' },
  [ns.pubsubOwner]: { answer: pubsub, needs: 'pep' },
};

/** What may be asked about others, and not only about oneself. */
const aboutOthers: readonly string[] = [ns.discoInfo, ns.discoItems, ns.vcard, ns.pubsub];

/** Takes a question or an answer of a session to where it belongs. */
export function question(world: World, session: Session, iq: Element): void {
  const { to, type = '' } = iq.attrs;
  const target = to === undefined ? undefined : jid(to);
  const isQuestion = type === 'get' || type === 'set';
  if (isQuestion && world.mischief.ignoreQuestions === true) return;
  if (isQuestion && (payload(iq) === undefined || iq.attrs['id'] === undefined)) {
    session.deliver(bounce(iq, 'modify', 'bad-request'));
    return;
  }
  if (!isQuestion) {
    if (to === undefined || to === world.domain || to === session.account.bare) session.answered(iq);
    else answer(world, session, iq);
    return;
  }
  const about = payload(iq)?.attrs['xmlns'] ?? '';
  if (target?.domain === world.roomDomain && target.local !== '') {
    roomQuestion(world, session, iq);
    return;
  }
  if (target !== undefined && target.domain !== world.domain && target.bare !== world.roomDomain) {
    session.deliver(bounce(iq, 'cancel', 'remote-server-not-found'));
    return;
  }
  if (target !== undefined && target.resource !== '') {
    const hearer = world.session(target.full);
    const isDeaf = hearer === undefined || hearer.account.blocks(session.full);
    if (isDeaf) session.deliver(bounce(iq, 'cancel', 'service-unavailable'));
    else hearer.deliver(copy(iq, { to: hearer.full }));
    return;
  }
  const isForOther = target !== undefined && target.bare !== session.account.bare && target.local !== '';
  const found = answerers[about];
  const known = found !== undefined && (found.needs === undefined || world.has(found.needs));
  if (!known || (isForOther && (!aboutOthers.includes(about) || !isPerson(world, to)))) {
    session.deliver(bounce(iq, 'cancel', 'service-unavailable'));
  } else found.answer(world, session, iq);
}

/** An answer goes back to whom asked, through the room if that is where it came from. */
function answer(world: World, session: Session, iq: Element): void {
  const target = jid(iq.attrs['to'] ?? '');
  const room = target && world.rooms.get(target.bare);
  if (room === undefined) {
    world.session(target?.full ?? '')?.deliver(iq);
    return;
  }
  const [from, to] = [room.occupantOf(session), room.occupants.get(target?.resource ?? '')];
  if (from && to) {
    to.session.deliver(copy(iq, { from: `${room.address}/${from.nick}`, to: to.session.full }));
  }
}

function roomQuestion(world: World, session: Session, iq: Element): void {
  const target = jid(iq.attrs['to'] ?? '');
  const room = world.rooms.get(target?.bare ?? '');
  const about = payload(iq)?.attrs['xmlns'] ?? '';
  if (room === undefined || target === undefined) {
    session.deliver(bounce(iq, 'cancel', 'item-not-found'));
    return;
  }
  const asker = room.occupantOf(session);
  if (target.resource !== '') {
    const asked = room.occupants.get(target.resource);
    if (asker === undefined) session.deliver(bounce(iq, 'cancel', 'not-acceptable'));
    else if (asked === undefined) session.deliver(bounce(iq, 'cancel', 'item-not-found'));
    // XEP-0410: a question to oneself is answered by the room.
    else if (asked === asker && about === ns.ping) session.deliver(result(iq));
    else {
      asked.session.deliver(copy(iq, { from: `${room.address}/${asker.nick}`, to: asked.session.full }));
    }
    return;
  }
  switch (about) {
    case ns.mucOwner:
      owner(world, room, session, iq);
      return;
    case ns.mucAdmin:
      admin(world, room, session, iq);
      return;
    case ns.discoInfo:
      session.deliver(discoInfo(world, iq, session.account.bare));
      return;
    case ns.discoItems:
      session.deliver(discoItems(world, iq, session.account.bare));
      return;
    case ns.mam:
      if (!world.has('room-archive')) break;
      if (asker === undefined && room.config.isMembersOnly) {
        session.deliver(bounce(iq, 'auth', 'forbidden'));
        return;
      }
      askArchive(world, room.archive, iq, (one) => {
        session.deliver(copy(one, { to: session.full }));
      });
      return;
    default:
  }
  session.deliver(bounce(iq, 'cancel', 'service-unavailable'));
}
