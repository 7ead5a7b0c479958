import { describe, expect, it } from '@jest/globals';
import { EphemeralFrame, maxWatched } from '#api';
import type { Ephemerals } from '#bus';
import { newId, type AccountId, type Ephemeral, type EphemeralType, type WorkspaceId } from '#model';
import { Watches, type Watched, type Watcher } from './watches.js';

const workspace = newId<'WorkspaceId'>();
const account = newId<'AccountId'>();
const elsewhere = newId<'AccountId'>();
const lobby: Watched = { conversation: newId(), account, address: '#lobby' };

class FakeEphemerals {
  readonly handlers = new Map<WorkspaceId, { tell: (ephemeral: Ephemeral) => void; missed: () => void }>();
  subscribe(of: WorkspaceId, tell: (ephemeral: Ephemeral) => void, missed: () => void): () => void {
    expect(this.handlers.has(of)).toBe(false);
    this.handlers.set(of, { tell, missed });
    return () => this.handlers.delete(of);
  }
  say(type: EphemeralType, data: Record<string, unknown>, from: AccountId = account): void {
    const audience = { kind: 'account', account: from } as const;
    this.handlers.get(workspace)?.tell({ type, audience, data: { account: from, ...data } });
  }
}

class Looker implements Watcher {
  readonly workspace = workspace;
  readonly heard: EphemeralFrame[] = [];
  constructor(readonly accounts: ReadonlySet<AccountId> = new Set([account])) {}
  ephemeral(frame: string): void {
    this.heard.push(EphemeralFrame.parse(JSON.parse(frame)));
  }
}

function open() {
  const ephemerals = new FakeEphemerals();
  const watches = new Watches(ephemerals as unknown as Ephemerals);
  const looker = new Looker();
  return { ephemerals, watches, looker, watch: watches.join(looker) };
}

describe('watching', () => {
  it('tells who types to those who watch the conversation, under its id', () => {
    const { ephemerals, watch, looker } = open();
    watch.conversation(lobby);
    ephemerals.say('typing', { conversation: '#lobby', address: 'bob', active: true });
    ephemerals.say('typing', { conversation: '#other', address: 'bob', active: true });
    ephemerals.say('typing', { conversation: '#lobby', address: 'bob', active: true }, elsewhere);
    expect(looker.heard).toEqual([
      { type: 'typing', account, conversation: lobby.conversation, address: 'bob', active: true },
    ]);
  });

  it('tells who comes and goes, whichever of the two it is', () => {
    const { ephemerals, watch, looker } = open();
    watch.conversation(lobby);
    ephemerals.say('occupancy', { conversation: '#lobby', joined: [{ address: 'bob', name: 'Bob' }] });
    ephemerals.say('occupancy', { conversation: '#lobby', left: ['bob'] });
    const about = { type: 'occupancy', account, conversation: lobby.conversation };
    expect(looker.heard).toEqual([
      { ...about, joined: [{ address: 'bob', name: 'Bob' }], left: [] },
      { ...about, joined: [], left: ['bob'] },
    ]);
  });

  it('tells presence to those who watch the roster, of accounts that they may see', () => {
    const { ephemerals, watches, looker, watch } = open();
    const other = new Looker(new Set([elsewhere]));
    watches.join(other).roster(true);
    watch.roster(true);
    ephemerals.say('presence', { address: 'bob', presence: 'away', note: 'lunch' });
    ephemerals.say('presence', { presence: 'unknown' });
    expect(looker.heard).toEqual([
      { type: 'presence', account, address: 'bob', presence: { presence: 'away', note: 'lunch' } },
      { type: 'presence', account, presence: { presence: 'unknown' } },
    ]);
    expect(other.heard).toEqual([]);
  });

  it('tells nothing to those who do not look, or no longer', () => {
    const { ephemerals, watches, looker, watch } = open();
    expect(watches.count).toBe(0);
    watch.conversation(lobby);
    watch.roster(true);
    watch.noConversation(lobby.conversation);
    ephemerals.say('typing', { conversation: '#lobby', address: 'bob', active: true });
    watch.roster(false);
    ephemerals.say('presence', { address: 'bob', presence: 'away' });
    expect(looker.heard).toEqual([]);
  });

  it('listens while somebody looks, once for all of them', () => {
    const { ephemerals, watches, watch } = open();
    const second = watches.join(new Looker());
    watch.conversation(lobby);
    second.conversation(lobby);
    second.roster(true);
    expect(ephemerals.handlers.size).toBe(1);
    watch[Symbol.dispose]();
    expect(ephemerals.handlers.size).toBe(1);
    second[Symbol.dispose]();
    expect(ephemerals.handlers.size).toBe(0);
    watch.noConversation(lobby.conversation);
    second[Symbol.dispose]();
    expect(watches.count).toBe(0);
    watch.conversation(lobby);
    expect(ephemerals.handlers.size).toBe(1);
  });

  it('follows a conversation to another address', () => {
    const { ephemerals, watch, looker } = open();
    watch.conversation(lobby);
    watch.conversation({ ...lobby, address: '#hall' });
    ephemerals.say('typing', { conversation: '#lobby', address: 'bob', active: true });
    ephemerals.say('typing', { conversation: '#hall', address: 'bob', active: false });
    expect(looker.heard).toMatchObject([{ conversation: lobby.conversation, active: false }]);
  });

  it('says that some were missed, once to each who looks', () => {
    const { ephemerals, watches, looker, watch } = open();
    const other = new Looker();
    watches.join(other);
    watch.conversation(lobby);
    watch.conversation({ conversation: newId(), account, address: '#hall' });
    watch.roster(true);
    ephemerals.handlers.get(workspace)?.missed();
    expect(looker.heard).toEqual([{ type: 'missed' }]);
    expect(other.heard).toEqual([]);
  });

  it('bounds what one stream may watch', () => {
    const { watch } = open();
    for (let n = 0; n < maxWatched; n++) watch.conversation({ ...lobby, conversation: newId() });
    expect(() => {
      watch.conversation({ ...lobby, conversation: newId() });
    }).toThrow('may watch 200');
  });

  it.each([
    ['typing', { conversation: '#lobby', address: 7, active: true }],
    ['typing', { conversation: 7 }],
    ['typing', {}],
    ['occupancy', { conversation: '#lobby', joined: 'everybody' }],
    ['presence', { presence: 'asleep' }],
  ] as const)('passes on nothing that has not the shape of %s: %j', (type, data) => {
    const { ephemerals, watch, looker } = open();
    watch.conversation(lobby);
    watch.roster(true);
    ephemerals.say(type, data);
    expect(looker.heard).toEqual([]);
  });
});
