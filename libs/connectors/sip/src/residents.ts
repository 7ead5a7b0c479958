/* What is asked of a session for one of its accounts is asked of what that account does on its network. */
import type {
  Admission,
  Admits,
  CallName,
  CallOrder,
  DesiredContact,
  EndOutcome,
  HasContacts,
  MarksRead,
  Place,
  PlaceOutcome,
  PlacesCalls,
  SetsPresence,
  ShowsTyping,
} from '#connector';
import { failure, type AccountId, type Failure, type PresenceState } from '#model';
import type { Residence } from './residence.js';

const nobody: { readonly outcome: 'refused'; readonly failure: Failure } = {
  outcome: 'refused',
  failure: failure('not-found', 'The session does not carry this account.'),
};

/** The abilities of sessions that have a residence for each of their accounts. */
export abstract class Residents
  implements ShowsTyping, MarksRead, HasContacts, Admits, SetsPresence, PlacesCalls
{
  /** What an account does here; undefined where the session does not carry it. */
  protected abstract residenceOf(account: AccountId): Residence | undefined;

  typing(account: AccountId, conversation: string, active: boolean): void {
    this.residenceOf(account)?.typing(conversation, active);
  }

  markRead(account: AccountId, conversation: string, upTo: Place): void {
    this.residenceOf(account)?.markRead(conversation, upTo);
  }

  setContacts(account: AccountId, contacts: readonly DesiredContact[]): void {
    this.residenceOf(account)?.setContacts(contacts);
  }

  setAdmissions(account: AccountId, admissions: readonly Admission[]): void {
    this.residenceOf(account)?.setAdmissions(admissions);
  }

  setPresence(account: AccountId, presence: PresenceState): void {
    this.residenceOf(account)?.setPresence(presence);
  }

  placeCall(account: AccountId, order: CallOrder): Promise<PlaceOutcome> {
    return Promise.resolve(this.residenceOf(account)?.placeCall(order) ?? nobody);
  }

  endCall(account: AccountId, call: CallName): Promise<EndOutcome> {
    return Promise.resolve(this.residenceOf(account)?.endCall(call) ?? nobody);
  }
}
