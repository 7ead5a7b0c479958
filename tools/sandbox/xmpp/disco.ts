/* What there is, and what it can do (XEP-0030). */
import { jid } from './addresses.js';
import { child, el, type Element } from './element.js';
import { ns } from './namespaces.js';
import type { SandboxXmppFeature } from './options.js';
import type { Room } from './room.js';
import { bounce, form, page, payload, result, resultSet } from './stanzas.js';
import type { World } from './world.js';

function info(
  iq: Element,
  identity: readonly [category: string, type: string, name?: string],
  features: readonly string[],
  more?: Element,
): Element {
  const [category, type, name] = identity;
  return result(
    iq,
    el(
      'query',
      { xmlns: ns.discoInfo, node: payload(iq)?.attrs['node'] },
      el('identity', { category, type, name }),
      ...features.map((one) => el('feature', { var: one })),
      more,
    ),
  );
}

const always = [ns.discoInfo, ns.discoItems];

const ofServer: Partial<Record<SandboxXmppFeature, readonly string[]>> = {
  blocking: [ns.blocking],
  carbons: [ns.carbons],
  offline: ['msgoffline'],
  ping: [ns.ping],
  registration: [ns.register],
  vcards: [ns.vcard],
};

const ofAccount: Partial<Record<SandboxXmppFeature, readonly string[]>> = {
  archive: [ns.mam],
  'archive-extended': [ns.mamExtended],
  'stanza-ids': [ns.sid],
  pep: [
    `${ns.pubsub}#publish`,
    `${ns.pubsub}#publish-options`,
    `${ns.pubsub}#persistent-items`,
    `${ns.pubsub}#retract-items`,
    `${ns.pubsub}#retrieve-items`,
    `${ns.pubsub}#auto-create`,
    `${ns.pubsub}#auto-subscribe`,
    `${ns.pubsub}#filtered-notifications`,
    `${ns.pubsub}#config-node`,
    `${ns.pubsub}#config-node-max`,
    `${ns.pubsub}#delete-nodes`,
    `${ns.pubsub}#last-published`,
    `${ns.pubsub}#multi-items`,
    `${ns.pubsub}#access-open`,
    `${ns.pubsub}#access-presence`,
    `${ns.pubsub}#access-whitelist`,
  ],
};

function offered(world: World, table: Partial<Record<SandboxXmppFeature, readonly string[]>>): string[] {
  return Object.entries(table).flatMap(([feature, names]) =>
    world.has(feature as SandboxXmppFeature) ? names : [],
  );
}

/** What the server, the service for rooms, a room or an account says of itself. */
export function discoInfo(world: World, iq: Element, asker: string): Element {
  const to = jid(iq.attrs['to'] ?? '');
  if (to === undefined || to.bare === world.domain) {
    return info(iq, ['server', 'im', 'Sandbox'], [...always, ...offered(world, ofServer)]);
  }
  if (to.bare === world.roomDomain) {
    return info(iq, ['conference', 'text', 'Rooms'], [...always, ns.muc, ...roomFeatures(world)]);
  }
  const room = world.rooms.get(to.bare);
  if (room !== undefined) return roomInfo(world, iq, room);
  const account = world.account(to.bare);
  const item = account?.roster.get(asker);
  const sees = account?.bare === asker || item?.subscription === 'from' || item?.subscription === 'both';
  if (account === undefined || !sees) return bounce(iq, 'cancel', 'service-unavailable');
  const own = info(iq, ['account', 'registered'], [...always, ...offered(world, ofAccount)]);
  const query = payload(own);
  if (world.has('pep'))
    query?.children.push(el('identity', { xmlns: ns.discoInfo, category: 'pubsub', type: 'pep' }));
  return own;
}

function roomFeatures(world: World): readonly string[] {
  return [
    ...(world.has('room-archive') ? [ns.mam] : []),
    ...(world.has('room-archive') && world.has('archive-extended') ? [ns.mamExtended] : []),
    ...(world.has('stanza-ids') ? [ns.sid] : []),
    ...(world.has('occupant-ids') ? [ns.occupantId] : []),
    ns.mucStableId,
    ns.mucSelfPing,
  ];
}

function roomInfo(world: World, iq: Element, { config, occupants }: Room): Element {
  const is = (yes: boolean, positive: string, negative: string): string => (yes ? positive : negative);
  const features = [
    ...always,
    ns.muc,
    ...roomFeatures(world),
    is(config.isPublic, 'muc_public', 'muc_hidden'),
    is(config.isPersistent, 'muc_persistent', 'muc_temporary'),
    is(config.isMembersOnly, 'muc_membersonly', 'muc_open'),
    is(config.isModerated, 'muc_moderated', 'muc_unmoderated'),
    is(config.showsAddresses, 'muc_nonanonymous', 'muc_semianonymous'),
    is(config.password !== '', 'muc_passwordprotected', 'muc_unsecured'),
  ];
  const details = form('result', 'http://jabber.org/protocol/muc#roominfo', {
    'muc#roominfo_description': config.description,
    'muc#roominfo_occupants': String(occupants.size),
    'muc#roomconfig_changesubject': config.mayChangeSubject,
  });
  return info(iq, ['conference', 'text', config.name], features, details);
}

export function discoItems(world: World, iq: Element, asker: string): Element {
  const to = jid(iq.attrs['to'] ?? '');
  const answer = (items: readonly Element[], set?: Element): Element =>
    result(iq, el('query', ns.discoItems, ...items, set));
  if (to === undefined || to.bare === world.domain) {
    return answer([el('item', { jid: world.roomDomain, name: 'Rooms' })]);
  }
  if (to.bare === world.roomDomain) {
    const listed = [...world.rooms.values()]
      .filter(({ config, isLocked }) => config.isPublic && !isLocked)
      .sort((a, b) => (a.address < b.address ? -1 : 1));
    const set = child(payload(iq), 'set', ns.rsm);
    const chosen = page(listed, ({ address }) => address, set, 100);
    if (chosen === undefined) return bounce(iq, 'cancel', 'item-not-found');
    const items = chosen.items.map(({ address, config }) => {
      return el('item', { jid: address, name: config.name === '' ? undefined : config.name });
    });
    return answer(items, set && resultSet(chosen, ({ address }) => address));
  }
  const account = world.account(to.bare);
  if (account?.bare === asker) {
    return answer([...account.nodes.keys()].map((node) => el('item', { jid: account.bare, node })));
  }
  return world.rooms.has(to.bare) ? answer([]) : bounce(iq, 'cancel', 'service-unavailable');
}
