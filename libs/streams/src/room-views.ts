import { AccountViews } from '#accounts';
import type { EntityName, EventBody } from '#api';
import { CallViews } from '#calls';
import { ConversationViews, MessageViews } from '#conversations';
import { EnvelopeViews, FanOuts } from '#delivery';
import { brand, type AccountId, type EventId, type EventType, type LogEvent, type PersonId } from '#model';
import { IdentityViews } from '#roster';
import type { Rendering, Views } from './views.js';

/** Who has hidden nothing: what is rendered is for everybody. */
const nobody: PersonId = brand('00000000-0000-0000-0000-000000000000');

/** How the rooms below show their events: each by the entity that the event is about, as it is now. */
export function roomViews(
  accounts: AccountViews,
  identities: IdentityViews,
  conversations: ConversationViews,
  messages: MessageViews,
  envelopes: EnvelopeViews,
  jobs: FanOuts,
  calls: CallViews,
): readonly Views[] {
  return [
    showing(['account.changed', 'session.changed'], 'account', (ids) => accounts.byIds(ids)),
    showing(['identity.changed'], 'identity', (ids) => identities.byIds(ids)),
    showing(['conversation.changed'], 'conversation', (ids) => conversations.byIds(ids)),
    showing(['envelope.changed'], 'envelope', (ids, events) =>
      envelopes.byIds(ids, { person: nobody, accounts: accountsOf(events) }),
    ),
    showing(['call.changed'], 'call', (ids) => calls.byIds(ids)),
    showing(['job.changed'], 'job', (ids) => jobs.byIds(ids)),
    markViews(conversations),
    messageViews(messages, conversations),
  ];
}

/** Events whose subject is what they show. */
export function showing<N extends EntityName>(
  types: readonly EventType[],
  name: N,
  byIds: (
    ids: readonly string[],
    events: readonly LogEvent[],
  ) => Promise<ReadonlyMap<string, NonNullable<EventBody[N]>>>,
): Views {
  return {
    types,
    async render(_workspace, events) {
      const found = await byIds(subjectsOf(events), events);
      return renderings(events, (event) => {
        const entity = found.get(event.subject);
        return entity === undefined ? undefined : { data: { [name]: entity } };
      });
    },
  };
}

/** What one person did with a conversation: for that person only. */
function markViews(conversations: ConversationViews): Views {
  return {
    types: ['read.changed', 'draft.changed'],
    async render(_workspace, events) {
      const found = new Map<PersonId, Awaited<ReturnType<ConversationViews['marks']>>>();
      for (const [person, theirs] of byPerson(events)) {
        found.set(person, await conversations.marks(subjectsOf(theirs), person));
      }
      return renderings(events, ({ audience, subject }) => {
        const mark = audience.kind === 'person' ? found.get(audience.person)?.get(subject) : undefined;
        return mark && { data: { mark } };
      });
    },
  };
}

function messageViews(messages: MessageViews, conversations: ConversationViews): Views {
  return {
    types: ['message.created', 'message.changed', 'message.erased', 'reaction.changed'],
    async render(_workspace, events) {
      const shared = events.filter(({ audience }) => audience.kind === 'account');
      const found = await messages.byIds(subjectsOf(shared), {
        person: nobody,
        accounts: accountsOf(shared),
      });
      // Whoever hid a message hears so in the log after its making, but also before later changes of it.
      const changed = shared.filter(({ type }) => type !== 'message.created');
      const hiders = await messages.hiddenFrom(subjectsOf(changed));
      const hidden = await hiddenViews(events, conversations);
      return renderings(events, (event) => {
        const message = found.get(event.subject);
        const hiddenFrom = hiders.get(event.subject);
        return hidden.get(event.id) ?? (message && { data: { message }, ...(hiddenFrom && { hiddenFrom }) });
      });
    },
  };
}

/** A person hid a message: their clients let go of it and learn which is the last one now. */
async function hiddenViews(
  events: readonly LogEvent[],
  conversations: ConversationViews,
): Promise<Map<EventId, Rendering>> {
  const renderings = new Map<EventId, Rendering>();
  for (const [person, theirs] of byPerson(events)) {
    const ids = [
      ...new Set(
        theirs.flatMap(({ data }) =>
          typeof data['conversation'] === 'string' ? [data['conversation']] : [],
        ),
      ),
    ];
    const accounts = new Set([...(await conversations.byIds(ids)).values()].map(({ account }) => account));
    const mine = new Map(
      (await conversations.mine(ids, { person, accounts })).map((each) => [each.id as string, each]),
    );
    for (const { id, subject, data } of theirs) {
      const last = mine.get(String(data['conversation']))?.lastMessage;
      renderings.set(id, {
        data: { hidden: brand<'MessageId'>(subject), ...(last ? { message: last } : {}) },
      });
    }
  }
  return renderings;
}

function renderings(
  events: readonly LogEvent[],
  show: (event: LogEvent) => Rendering | undefined,
): Map<EventId, Rendering> {
  return new Map(
    events.flatMap((event) => {
      const rendering = show(event);
      return rendering ? [[event.id, rendering] as const] : [];
    }),
  );
}

function subjectsOf(events: readonly LogEvent[]): string[] {
  return [...new Set(events.map(({ subject }) => subject))];
}

function accountsOf(events: readonly LogEvent[]): Set<AccountId> {
  return new Set(events.flatMap(({ audience }) => (audience.kind === 'account' ? [audience.account] : [])));
}

function byPerson(events: readonly LogEvent[]): Map<PersonId, LogEvent[]> {
  const people = new Map<PersonId, LogEvent[]>();
  for (const event of events) {
    if (event.audience.kind !== 'person') continue;
    const theirs = people.get(event.audience.person);
    if (theirs) theirs.push(event);
    else people.set(event.audience.person, [event]);
  }
  return people;
}
