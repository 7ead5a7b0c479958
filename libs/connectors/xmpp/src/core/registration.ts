/*
 * Making the account that is about to sign in (XEP-0077), on the stream that it will sign in on. Done only where the
 * person's settings ask for it, with the name and the password that they gave: a form that wants more (a picture to be
 * read, an address for mail) is told to the person, who can make the account by the server's own means.
 */
import { words } from '#connector/session';
import { failure, type Failure } from '#model';
import { conditionOf } from '../failures.js';
import type { Dialogue } from './sasl.js';
import { xml, type Element } from './xml.js';

const featureNamespace = 'http://jabber.org/features/iq-register';
const registerNamespace = 'jabber:iq:register';
const errorNamespace = 'urn:ietf:params:xml:ns:xmpp-stanzas';
const dataNamespace = 'jabber:x:data';
const mostFields = 100;

/** Whether the server says that accounts can be made. */
export function offersRegistration(features: Element): boolean {
  return features.getChild('register', featureNamespace) !== undefined;
}

export interface NewAccount {
  readonly domain: string;
  readonly username: string;
  readonly password: string;
}

/**
 * Asks for the form, and fills it in.
 * @returns undefined when the account has been made, `ended` where the stream has ended meanwhile, otherwise why not.
 */
export async function register(
  account: NewAccount,
  dialogue: Dialogue,
): Promise<Failure | 'ended' | undefined> {
  const form = await ask('get', account.domain, xml('query', { xmlns: registerNamespace }), dialogue);
  if (form === 'ended' || 'code' in form) return form;
  const query = form.getChild('query', registerNamespace);
  const filled = query && filledIn(query, account);
  if (filled === undefined) return wantsMore;
  const answer = await ask('set', account.domain, filled, dialogue);
  return answer === 'ended' || 'code' in answer ? answer : undefined;
}

const wantsMore = failure(
  'auth-required',
  'The server wants more than a name and a password of who makes an account: make it by the server’s own means.',
);

async function ask(
  type: 'get' | 'set',
  to: string,
  payload: Element,
  dialogue: Dialogue,
): Promise<Element | Failure | 'ended'> {
  const id = `register-${type}`;
  dialogue.send(xml('iq', { xmlns: 'jabber:client', type, id, to }, payload));
  for (;;) {
    const answer = await dialogue.next();
    if (answer === undefined) return 'ended';
    // Whatever else a server says to a stranger is no answer.
    if (!answer.is('iq', 'jabber:client') || answer.attrs['id'] !== id) continue;
    return answer.attrs['type'] === 'result' ? answer : refusalOf(answer);
  }
}

/** The conditions of XEP-0077 §3.1.1, in words. */
function refusalOf(answer: Element): Failure {
  const error = answer.getChild('error', 'jabber:client');
  const condition = (error && conditionOf(error, errorNamespace)) ?? 'no reason given';
  const said = words(error?.getChildText('text', errorNamespace) ?? undefined) ?? condition;
  switch (condition) {
    case 'conflict':
      return failure('auth-failed', 'The account exists, and the password is not its.');
    case 'not-acceptable':
      return failure('auth-failed', `The server does not take that name or that password (${said}).`);
    case 'resource-constraint':
      return failure('rate-limited', 'The server makes no more accounts for now.');
    case 'not-allowed':
    case 'forbidden':
    case 'feature-not-implemented':
    case 'service-unavailable':
      return failure(
        'not-allowed',
        'There is no such account, and the server lets nobody make one from here.',
      );
    default:
      return failure('auth-failed', `The account could not be made (${said}).`);
  }
}

/** The form with our name and password in it; undefined where it asks for more. */
function filledIn(query: Element, { username, password }: NewAccount): Element | undefined {
  const known: Readonly<Record<string, string>> = { username, password };
  const form = query.getChildren('x', dataNamespace).find((one) => one.attrs['type'] === 'form');
  if (form !== undefined) {
    const fields = form.getChildren('field', dataNamespace).slice(0, mostFields);
    const answers = fields.map((field) => answerTo(field, known));
    if (answers.includes('wanting')) return undefined;
    const written = answers.filter((answer) => typeof answer === 'object');
    return xml(
      'query',
      { xmlns: registerNamespace },
      xml('x', { xmlns: dataNamespace, type: 'submit' }, ...written),
    );
  }
  const wanted = query
    .getChildElements()
    .filter(({ name }) => !['instructions', 'registered', 'x'].includes(name));
  if (wanted.some(({ name }) => name !== 'username' && name !== 'password')) return undefined;
  return xml(
    'query',
    { xmlns: registerNamespace },
    xml('username', null, username),
    xml('password', null, password),
  );
}

/** One field of a form, filled in: with what is known, or with what the form itself says where nobody is asked. */
function answerTo(field: Element, known: Readonly<Record<string, string>>): Element | 'wanting' | undefined {
  const { var: name = '', type } = field.attrs;
  const given = type === 'hidden' ? field.getChild('value', dataNamespace)?.getText() : undefined;
  const value = given ?? (Object.hasOwn(known, name) ? known[name] : undefined);
  if (value !== undefined) return xml('field', { var: name }, xml('value', null, value));
  const required = field.getChild('required', dataNamespace) !== undefined;
  return required && type !== 'fixed' ? 'wanting' : undefined;
}
