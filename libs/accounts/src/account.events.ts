import { newId, type AccountId, type NewEvent, type PersonId } from '#model';

/** An account is there or is otherwise; told to those who see it. */
export function accountChanged(account: AccountId, version: number): NewEvent {
  return {
    id: newId(),
    type: 'account.changed',
    audience: { kind: 'account', account },
    subject: account,
    data: { version },
  };
}

/** Somebody may see an account from now on, or no more; told to them. */
export function accessChanged(account: AccountId, person: PersonId, granted: boolean): NewEvent {
  return {
    id: newId(),
    type: 'access.changed',
    audience: { kind: 'person', person },
    subject: account,
    data: { account, granted },
  };
}

/** An account is gone; told to each who saw it by name, for nobody may see it any more. */
export function accountRemoved(account: AccountId, person: PersonId): NewEvent {
  return {
    id: newId(),
    type: 'account.removed',
    audience: { kind: 'person', person },
    subject: account,
    data: { account },
  };
}
