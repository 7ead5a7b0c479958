import { describe, expect, it } from '@jest/globals';
import { newId, type ConversationId } from '#model';
import { Lanes, type Ready } from './lanes.js';

const account = newId<'AccountId'>();
const lobby = newId<'ConversationId'>();
const bob = newId<'ConversationId'>();
let order = 0n;

function ready(conversation: ConversationId, more: Partial<Ready> = {}): Ready {
  order++;
  return {
    envelope: {
      id: newId<'EnvelopeId'>(),
      account,
      kind: 'message',
      to: 'bob',
      conversationKind: 'direct',
      content: { text: String(order) },
      attempt: 1,
    },
    message: newId<'MessageId'>(),
    conversation,
    laneOrder: order,
    seen: 1,
    priority: 0,
    notBefore: 0,
    needsTarget: false,
    acceptedAt: 0,
    urgent: false,
    ...more,
  };
}

function lanes(limits: { perLane?: number; perLink?: number } = {}): Lanes {
  return new Lanes(account, { perLane: 10, perLink: 100, ...limits });
}

describe('lanes', () => {
  it('let one conversation’s envelopes leave in the order they became due, however they arrived', () => {
    const lane = lanes();
    const [first, second, third] = [ready(lobby), ready(lobby), ready(lobby)];
    for (const one of [third, first, second]) lane.add(one);
    expect(lane.pick(10, 0)).toEqual([first, second, third]);
  });

  it('take turns, so that a long lane does not hold up a short one', () => {
    const lane = lanes();
    for (let count = 0; count < 5; count++) lane.add(ready(lobby));
    const hello = ready(bob);
    lane.add(hello);
    expect(lane.pick(2, 0)).toContain(hello);
  });

  it('let people go before bulk', () => {
    const lane = lanes();
    const bulk = ready(lobby, { priority: 1 });
    const person = ready(bob);
    lane.add(bulk);
    lane.add(person);
    expect(lane.pick(1, 0)).toEqual([person]);
    expect(lane.pick(1, 0)).toEqual([bulk]);
  });

  it('keep within what may be in flight, per lane and per link', () => {
    const lane = lanes({ perLane: 1, perLink: 2 });
    const third = newId<'ConversationId'>();
    for (const conversation of [lobby, lobby, bob, third]) lane.add(ready(conversation));
    const picked = lane.pick(10, 0);
    expect(picked.map(({ conversation }) => conversation)).toEqual([lobby, bob]);
    for (const { conversation, envelope } of picked) lane.settle(conversation, envelope.id);
    expect(lane.pick(10, 0)).toHaveLength(2);
  });

  it('hold back only the lane that was told to wait, and say when it goes on', () => {
    const lane = lanes();
    const slow = ready(lobby);
    lane.add(slow);
    lane.pick(1, 0);
    lane.delay(slow, 5_000);
    expect(lane.verdicts(lobby)).toEqual([{ ready: slow, until: 5_000, overtaken: false }]);
    lane.add(ready(lobby));
    const other = ready(bob);
    lane.add(other);
    expect(lane.pick(10, 1_000)).toEqual([other]);
    expect(lane.nextRelease(1_000)).toBe(5_000);
    expect(lane.pick(10, 5_000)).toHaveLength(1);
  });

  it('cannot delay what a later one of its lane has overtaken', () => {
    const lane = lanes();
    const [early, late] = [ready(lobby), ready(lobby)];
    lane.add(early);
    lane.add(late);
    lane.pick(2, 0);
    lane.delay(early, 1_000);
    expect(lane.verdicts(lobby)).toEqual([]);
    lane.left(late);
    expect(lane.verdicts(lobby)).toEqual([{ ready: early, until: 1_000, overtaken: true }]);
    expect(lane.verdicts(lobby)).toEqual([]);
  });

  it('delay all that were on their way when none of them has left', () => {
    const lane = lanes();
    const all = [ready(lobby), ready(lobby), ready(lobby)];
    for (const one of all) lane.add(one);
    const [first, second, third] = lane.pick(3, 0) as [Ready, Ready, Ready];
    lane.delay(first, 1_000);
    lane.delay(second, 2_000);
    expect(lane.verdicts(lobby)).toEqual([]);
    lane.delay(third, 1_500);
    expect(lane.verdicts(lobby).map((verdict) => [verdict.ready, verdict.overtaken])).toEqual([
      [first, false],
      [second, false],
      [third, false],
    ]);
    expect([lane.inFlight, lane.waiting]).toEqual([0, 0]);
    for (const one of all) lane.add(one);
    expect(lane.pick(3, 1_999)).toEqual([]);
    expect(lane.pick(3, 2_000)).toEqual(all);
  });

  it('delay what one that was refused would have overtaken', () => {
    const lane = lanes();
    const [early, late] = [ready(lobby), ready(lobby)];
    lane.add(early);
    lane.add(late);
    lane.pick(2, 0);
    lane.delay(early, 1_000);
    lane.settle(lobby, late.envelope.id);
    expect(lane.verdicts(lobby)).toEqual([{ ready: early, until: 1_000, overtaken: false }]);
  });

  it('await what is in flight before something that speaks of it leaves', () => {
    const lane = lanes();
    const said = ready(lobby);
    const edit = ready(lobby, { needsTarget: true });
    lane.add(said);
    lane.add(edit);
    expect(lane.pick(10, 0)).toEqual([said]);
    lane.settle(lobby, said.envelope.id);
    expect(lane.pick(10, 0)).toEqual([edit]);
  });

  it('put back what did not leave after all, at its old place', () => {
    const lane = lanes();
    const [first, second] = [ready(lobby), ready(lobby)];
    lane.add(first);
    lane.add(second);
    for (const one of lane.pick(2, 0)) lane.putBack(one);
    expect(lane.pick(2, 0)).toEqual([first, second]);
  });

  it('remember nothing of what has gone', () => {
    const lane = lanes();
    const [gone, sent] = [ready(lobby), ready(bob)];
    lane.add(gone);
    lane.add(sent);
    lane.drop(lobby, gone.envelope.id);
    for (const { conversation, envelope } of lane.pick(10, 0)) lane.settle(conversation, envelope.id);
    expect([...lane.ids()]).toEqual([]);
    expect([lane.waiting, lane.inFlight]).toEqual([0, 0]);
  });
});
