/*
 * What services offer to do, stage by stage (XEP-0050): the list of their commands, and one of them on its way. The form of
 * a stage is kept until it is answered, so that what the person leaves out keeps the value that the service proposed.
 */
import type { JsonObject, JsonValue, RequestOutcome, SessionRequest } from '#connector';
import { remember } from '#connector/session';
import { failure, type Failure } from '#model';
import type { Service } from './core/port.js';
import type { Element } from './core/xml.js';
import type { Parts } from './crew.js';
import { filledForm, shownForm } from './forms.js';
import type { Form } from './xep/0004.js';
import { itemsOf } from './xep/0030.js';
import { commanding, commandOf, commandsAsk, type CommandAction } from './xep/0050.js';
import { addressOf } from './xmpp.addresses.js';

/** What each kind takes, as it is said to whoever gets it wrong. */
const takes: Readonly<Record<string, string>> = {
  commands: 'commands {who}; our own server where nobody is named',
  command: 'command {who, node, session, action, values}; without a session it begins',
};

export const commandRequestKinds: readonly string[] = Object.keys(takes);

const actions: readonly CommandAction[] = ['execute', 'next', 'prev', 'complete', 'cancel'];
/** Commands begun and not ended, of which the form is kept. */
const mostOpen = 50;

const done = (answer: JsonValue): RequestOutcome => ({ outcome: 'done', answer });
const refused = (why: Failure): RequestOutcome => ({ outcome: 'refused', failure: why });

export class CommandRequests implements Service {
  readonly #parts: Parts;
  /** The form of the stage that is open, by service and session. */
  readonly #forms = new Map<string, Form>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Answers a request of one of `commandRequestKinds`. Never rejects. */
  async request({ kind, options }: SessionRequest, signal: AbortSignal): Promise<RequestOutcome> {
    const wrong = refused(failure('unsupported', `XMPP takes: ${takes[kind] ?? ''}.`));
    const { domain } = this.#parts.port.self;
    const who = options['who'] === undefined ? domain : addressOf(textOf(options['who']));
    if (who === undefined) return wrong;
    if (kind === 'commands') return this.#list(who, signal);
    return (await this.#run(who, options, signal)) ?? wrong;
  }

  ended(): void {
    this.#forms.clear();
  }

  async #list(who: string, signal: AbortSignal): Promise<RequestOutcome> {
    const answer = await this.#parts.port.iq({ type: 'get', to: who, payload: commandsAsk(), signal });
    if (!answer.ok) return refused(answer.failure);
    const items = itemsOf(answer.payload)?.items ?? [];
    return done({
      who,
      commands: items.flatMap(({ jid, node, name }) =>
        node === undefined ? [] : [{ who: addressOf(jid) ?? jid, node, name: name ?? node }],
      ),
    });
  }

  /** One step; undefined where the request makes no sense. */
  async #run(who: string, options: JsonObject, signal: AbortSignal): Promise<RequestOutcome | undefined> {
    const node = textOf(options['node']);
    const session = textOf(options['session']);
    const action =
      options['action'] === undefined ? 'execute' : actions.find((one) => one === options['action']);
    const values = options['values'];
    if (node === undefined || action === undefined || (values !== undefined && !isObject(values)))
      return undefined;
    const key = `${who}\n${session ?? ''}`;
    let form: Element | undefined;
    if (values !== undefined) {
      const filled = filledForm(this.#forms.get(key), values, 'The command');
      if ('failure' in filled) return refused(filled.failure);
      ({ form } = filled);
    }
    const step = { action, ...(session !== undefined && { sessionId: session }), ...(form && { form }) };
    const answer = await this.#parts.port.iq({
      type: 'set',
      to: who,
      payload: commanding(node, step),
      signal,
    });
    if (!answer.ok) return refused(answer.failure);
    const command = commandOf(answer.payload);
    if (command === undefined)
      return refused(failure('protocol-violation', 'The service does not say where it stands.'));
    this.#keep(who, command.sessionId ?? '', command.status === 'executing' ? command.form : undefined);
    return done({
      who,
      node,
      status: command.status,
      ...(command.sessionId !== undefined && { session: command.sessionId }),
      actions: [...command.actions],
      notes: command.notes.map(({ type, text }) => ({ type, text })),
      ...(command.form && { form: shownForm(command.form) }),
    });
  }

  #keep(who: string, session: string, form: Form | undefined): void {
    const key = `${who}\n${session}`;
    if (form === undefined) this.#forms.delete(key);
    else remember(this.#forms, key, form, mostOpen);
  }
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
