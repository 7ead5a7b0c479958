import { describe, expect, it } from '@jest/globals';
import type { EventFrame } from '#api';
import { decodeCursor } from '#bus';
import {
  brand,
  newId,
  type EventId,
  type EventType,
  type LogEvent,
  type PersonId,
  type WorkspaceId,
} from '#model';
import type { Database } from '#platform';
import { TestClock } from '#platform/testing';
import { eventually } from '#peers';
import { EventRenderer, RendererClosed } from './event-renderer.js';
import type { RenderedEvent } from './rendered-event.js';
import type { Rendering, Views } from './views.js';

const workspace = newId<'WorkspaceId'>();
const account = newId<'AccountId'>();
const alice = newId<'PersonId'>();
const bob = newId<'PersonId'>();
let sequence = 0n;

function eventOf(type: EventType = 'message.created', more: Partial<LogEvent> = {}): LogEvent {
  return {
    id: newId(),
    type,
    audience: { kind: 'account', account },
    subject: newId(),
    data: {},
    sequence: ++sequence,
    at: new Date('2026-01-01T00:00:00Z'),
    ...more,
  };
}

const unavailable = new Error('the database is away');

/** A room whose looks at the tables are counted, and may be held or broken by the test. */
class Room implements Views {
  readonly looks: (readonly EventId[])[] = [];
  fault: ((events: readonly LogEvent[]) => Error | undefined) | undefined;
  hold: Promise<void> | undefined;
  hiddenFrom: ReadonlySet<PersonId> | undefined;

  constructor(
    readonly types: readonly EventType[] = ['message.created', 'message.changed', 'message.erased'],
  ) {}

  async render(_: WorkspaceId, events: readonly LogEvent[]): Promise<Map<EventId, Rendering>> {
    this.looks.push(events.map(({ id }) => id));
    const fault = this.fault?.(events);
    await this.hold;
    if (fault) throw fault;
    const { hiddenFrom } = this;
    return new Map(
      events.map(({ id }) => [
        id,
        {
          data: { message: { text: `look ${String(this.looks.length)}` } as never },
          ...(hiddenFrom && { hiddenFrom }),
        },
      ]),
    );
  }
}

function rendererOf(...views: Views[]): { renderer: EventRenderer; clock: TestClock } {
  const clock = new TestClock();
  const database = { isUnavailable: (error: unknown) => error === unavailable } as Database;
  return { renderer: new EventRenderer(views, database, clock), clock };
}

const read = (event: RenderedEvent | undefined, prev = 0n, person = alice): EventFrame =>
  JSON.parse(String(event?.frame(prev, person))) as EventFrame;
const textOf = (event: RenderedEvent | undefined, person = alice): unknown =>
  read(event, 0n, person).event.data.message?.text;

describe('rendering events', () => {
  it('shows an event with what it is about, as the API says', async () => {
    const { renderer } = rendererOf(new Room());
    const event = eventOf('message.created', {
      data: { message: 'an id', conversation: 'an id', state: 'sent' },
    });
    const [rendered] = await renderer.render(workspace, [event]);
    expect(read(rendered, event.sequence - 1n)).toEqual({
      cursor: rendered?.cursor,
      prev: expect.any(String),
      event: {
        id: event.id,
        type: 'message.created',
        at: '2026-01-01T00:00:00.000Z',
        account,
        subject: event.subject,
        // Ids that stand in the log under the name of an entity are not shown as one.
        data: { state: 'sent', message: { text: 'look 1' } },
      },
    });
    expect(decodeCursor(read(rendered, event.sequence - 1n).prev)).toBe(event.sequence - 1n);
  });

  it('says nothing of an account where an event is one person’s own', async () => {
    const { renderer } = rendererOf();
    const [rendered] = await renderer.render(workspace, [
      eventOf('read.changed', { audience: { kind: 'person', person: alice } }),
    ]);
    expect(read(rendered).event).not.toHaveProperty('account');
  });

  it('shows an event that no room knows with its ids alone', async () => {
    const { renderer } = rendererOf(new Room());
    const event = eventOf('bridge.changed', { data: { state: 'open' } });
    const [rendered] = await renderer.render(workspace, [event]);
    expect(read(rendered).event).toMatchObject({ subject: event.subject, data: { state: 'open' } });
  });

  it('looks once for all who ask at the same time, and keeps their order', async () => {
    const room = new Room();
    const { renderer } = rendererOf(room);
    const events = [eventOf(), eventOf(), eventOf()];
    const readers = await Promise.all(Array.from({ length: 100 }, () => renderer.render(workspace, events)));
    expect(room.looks).toEqual([events.map(({ id }) => id)]);
    for (const rendered of readers)
      expect(rendered.map((each) => each.sequence)).toEqual(events.map((each) => each.sequence));
  });

  it('hands readers who stand at the same place the same bytes', async () => {
    const { renderer } = rendererOf(new Room());
    const [rendered] = await renderer.render(workspace, [eventOf()]);
    expect(rendered?.frame(3n, alice)).toBe(rendered?.frame(3n, bob));
    expect(rendered?.frame(2n, alice)).not.toBe(rendered?.frame(3n, bob));
  });

  it('gathers what is asked while a look is under way, for the next', async () => {
    const room = new Room();
    const { renderer } = rendererOf(room);
    let letGo = (): void => undefined;
    room.hold = new Promise((done) => {
      letGo = done;
    });
    const first = renderer.render(workspace, [eventOf()]);
    await eventually('the first look began', () => room.looks.length === 1);
    const rest = Promise.all(Array.from({ length: 20 }, () => renderer.render(workspace, [eventOf()])));
    letGo();
    await Promise.all([first, rest]);
    expect(room.looks.map((look) => look.length)).toEqual([1, 20]);
  });

  it('looks in slices', async () => {
    const room = new Room();
    const { renderer } = rendererOf(room);
    await renderer.render(
      workspace,
      Array.from({ length: 450 }, () => eventOf()),
    );
    expect(room.looks.map((look) => look.length)).toEqual([200, 200, 50]);
  });

  it('does not let one workspace wait for another', async () => {
    const room = new Room();
    const { renderer } = rendererOf(room);
    room.hold = new Promise(() => undefined);
    void renderer.render(newId(), [eventOf()]);
    await eventually('the look began', () => room.looks.length === 1);
    room.hold = undefined;
    expect(await renderer.render(workspace, [eventOf()])).toHaveLength(1);
  });

  it('gives a rendering again for two seconds, and then looks anew', async () => {
    const room = new Room();
    const { renderer, clock } = rendererOf(room);
    const event = eventOf();
    const [first] = await renderer.render(workspace, [event]);
    clock.advance(1_900);
    expect((await renderer.render(workspace, [event]))[0]).toBe(first);
    clock.advance(200);
    const [again] = await renderer.render(workspace, [event]);
    expect(textOf(again)).toBe('look 2');
  });

  it.each(['message.erased', 'conversation.removed', 'account.removed'] as const)(
    'gives nothing again after %s',
    async (type) => {
      const { renderer } = rendererOf(new Room());
      const event = eventOf();
      await renderer.render(workspace, [event]);
      await renderer.render(workspace, [eventOf(type)]);
      const [again] = await renderer.render(workspace, [event]);
      expect(textOf(again)).not.toBe('look 1');
    },
  );

  it('keeps no more than some thousands', async () => {
    const room = new Room();
    const { renderer } = rendererOf(room);
    const first = eventOf();
    await renderer.render(workspace, [first]);
    for (let n = 0; n < 26; n++)
      await renderer.render(
        workspace,
        Array.from({ length: 200 }, () => eventOf()),
      );
    const looks = room.looks.length;
    await renderer.render(workspace, [first]);
    expect(room.looks).toHaveLength(looks + 1);
  });

  it('waits for a database that is away, with pauses', async () => {
    const room = new Room();
    const { renderer, clock } = rendererOf(room);
    room.fault = () => (room.looks.length < 4 ? unavailable : undefined);
    const rendering = renderer.render(workspace, [eventOf()]);
    for (const [look, pause] of [100, 300, 1_000].entries()) {
      await eventually('it looked and sleeps', () => room.looks.length === look + 1 && clock.waiting === 1);
      clock.advance(pause);
    }
    expect(textOf((await rendering)[0])).toBe('look 4');
  });

  it('gives an event that cannot be rendered with its ids, and its neighbours whole', async () => {
    const room = new Room();
    const { renderer } = rendererOf(room);
    const [good, bad, fine] = [eventOf(), eventOf(), eventOf()];
    room.fault = (events) => (events.includes(bad) ? new Error('a fault of ours') : undefined);
    const rendered = await renderer.render(workspace, [good, bad, fine]);
    expect(rendered.map((each) => textOf(each) !== undefined)).toEqual([true, false, true]);
    expect(read(rendered[1]).event.subject).toBe(bad.subject);
  });

  it('tells those who have hidden a message only that something happened', async () => {
    const room = new Room();
    room.hiddenFrom = new Set([bob]);
    const { renderer } = rendererOf(room);
    const [rendered] = await renderer.render(workspace, [
      eventOf('message.changed', { data: { state: 'x' } }),
    ]);
    expect(textOf(rendered, alice)).toBe('look 1');
    expect(read(rendered, 0n, bob).event.data).toEqual({ state: 'x' });
    expect(textOf(rendered, alice)).toBe('look 1');
  });

  it('refuses two rooms for one event', () => {
    const { renderer } = rendererOf(new Room(['call.changed']));
    expect(() => {
      renderer.register(new Room(['bridge.changed', 'call.changed']));
    }).toThrow('call.changed');
  });

  it('lets nobody wait for ever when the server goes', async () => {
    const room = new Room();
    const { renderer, clock } = rendererOf(room);
    room.fault = () => unavailable;
    const rendering = renderer.render(brand<'WorkspaceId'>(workspace), [eventOf()]);
    await eventually('it sleeps', () => clock.waiting === 1);
    renderer.onModuleDestroy();
    await expect(rendering).rejects.toThrow(RendererClosed);
  });
});
