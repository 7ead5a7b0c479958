/* What can be seen to be wrong with what a session says, without knowing its network. */
import {
  idsOf,
  mostIdBytes,
  mostOtherIds,
  type InboundEvent,
  type InboundParty,
  type RemoteId,
} from '#connector';
import { errorCodes, unreachable, type Failure, type SessionState } from '#model';

const codes: ReadonlySet<string> = new Set(errorCodes);
const controls = /[\0\r\n]/;

/** What is wrong with a state: a code that is not on the list, a time that is none. */
export function stateBreaches(state: SessionState): readonly string[] {
  switch (state.state) {
    case 'offline':
    case 'connecting':
      return [];
    case 'online':
      return addressBreaches('the local address', state.localAddress);
    case 'backing-off':
      return [
        ...codeBreaches(state.code),
        ...(Number.isNaN(Date.parse(state.until)) ? [`until is no time: ${state.until}`] : []),
      ];
    case 'needs-person':
      return codeBreaches(state.code);
    default:
      return unreachable(state);
  }
}

/** What is wrong with an event. */
export function breachesOf(event: InboundEvent): readonly string[] {
  switch (event.type) {
    case 'message':
      return [
        ...timeBreaches(event.at),
        ...addressBreaches('the conversation', event.conversation),
        ...partyBreaches(event.author),
        ...idBreaches(event.remoteId),
        ...otherBreaches(event.remoteId, event.otherIds),
        ...idBreaches(event.replyTo),
        ...(event.origin === 'own' && event.wireId === undefined && event.mode === 'live'
          ? ['an own message without a wire id is another device’s']
          : []),
        ...(event.origin === 'remote' && event.wireId !== undefined
          ? ['a remote message bears our wire id']
          : []),
      ];
    case 'edit':
    case 'retraction':
    case 'reaction':
      return [
        ...timeBreaches(event.at),
        ...addressBreaches('the conversation', event.conversation),
        ...partyBreaches(event.author),
        ...idBreaches(event.target),
        ...(event.type === 'edit' && !event.content ? ['an edit without content'] : []),
        ...(event.type === 'reaction' && !event.reaction && !event.reactions
          ? ['a reaction without an emoji']
          : []),
      ];
    case 'receipt':
      return [
        ...timeBreaches(event.at),
        ...('remoteId' in event.about ? idsOf(event.about).flatMap(idBreaches) : []),
        ...idBreaches(event.remoteId),
        ...otherBreaches(event.remoteId, event.otherIds),
        ...(event.state === 'failed' ? failureBreaches(event.failure) : []),
      ];
    case 'room':
      return [
        ...timeBreaches(event.at),
        ...addressBreaches('the conversation', event.conversation),
        ...(event.by ? partyBreaches(event.by) : []),
        ...(event.failure ? failureBreaches(event.failure) : []),
      ];
    case 'identity':
      return [...timeBreaches(event.at), ...partyBreaches(event.party)];
    case 'contact':
      return [
        ...timeBreaches(event.at),
        ...partyBreaches(event.party),
        // Where no roster is kept, whoever was let see our person is on none.
        ...(event.listed || (['none', 'from'].includes(event.subscription) && event.groups.length === 0)
          ? []
          : ['groups of somebody who is not on the roster, or a subscription to them']),
      ];
    case 'read':
      return [
        ...(event.upTo instanceof Date ? timeBreaches(event.upTo) : idBreaches(event.upTo)),
        ...addressBreaches('the conversation', event.conversation),
      ];
    case 'departure':
      return [...timeBreaches(event.at), ...addressBreaches('who left', event.address)];
    case 'call':
      return [
        ...timeBreaches(event.at),
        ...addressBreaches('the conversation', event.conversation),
        ...partyBreaches(event.party),
        ...('remoteId' in event.call
          ? idBreaches({ scope: event.account, id: event.call.remoteId, by: 'network' })
          : []),
        ...('placed' in event.call && event.direction === 'in' ? ['a call that we placed came in'] : []),
        ...(event.state === 'failed' ? failureBreaches(event.failure) : []),
      ];
    case 'gap':
      return [
        ...timeBreaches(event.from),
        ...timeBreaches(event.until),
        ...(event.from.getTime() > event.until.getTime() ? ['a gap that ends before it begins'] : []),
        ...(event.reason === '' ? ['a gap without a reason'] : []),
      ];
    default:
      return unreachable(event);
  }
}

function timeBreaches(at: Date): readonly string[] {
  return Number.isNaN(at.getTime()) ? ['a time that is none'] : [];
}

function addressBreaches(what: string, address: string): readonly string[] {
  return address === '' || controls.test(address) ? [`${what} is no address`] : [];
}

function partyBreaches(party: InboundParty): readonly string[] {
  return addressBreaches('a party', party.address);
}

function idBreaches(id: RemoteId | undefined): readonly string[] {
  if (!id) return [];
  if (id.id === '' || id.scope === '') return ['a remote id without id or scope'];
  return Buffer.byteLength(id.scope + id.id) > mostIdBytes ? ['a remote id that no index can hold'] : [];
}

function otherBreaches(id: RemoteId | undefined, others: readonly RemoteId[] = []): readonly string[] {
  const all = [...(id ? [id] : []), ...others].map(({ scope, id: text }) => JSON.stringify([scope, text]));
  return [
    ...others.flatMap(idBreaches),
    ...(others.length > 0 && !id ? ['other ids without a first'] : []),
    ...(others.length > mostOtherIds ? [`more than ${String(mostOtherIds)} other ids`] : []),
    ...(new Set(all).size < all.length ? ['the same id twice'] : []),
  ];
}

function failureBreaches(failure: Failure | undefined): readonly string[] {
  return failure ? codeBreaches(failure.code) : ['a failure without a code'];
}

function codeBreaches(code: string): readonly string[] {
  return codes.has(code) ? [] : [`${code} is not on the list of codes`];
}
