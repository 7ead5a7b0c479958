/* In-band registration (XEP-0077): an account made, its password changed, an account removed. */
import type { Account } from './account.js';
import { child, el, text, type Element } from './element.js';
import { ns } from './namespaces.js';
import { bounce, payload, result } from './stanzas.js';
import type { World } from './world.js';

/**
 * Answers a question about registration.
 * @param asker who has signed in; undefined before that.
 */
export function register(world: World, iq: Element, asker?: Account): Element {
  if (!world.has('registration')) return bounce(iq, 'cancel', 'service-unavailable');
  const query = payload(iq);
  const [username, password] = [text(child(query, 'username')).toLowerCase(), text(child(query, 'password'))];
  if (iq.attrs['type'] === 'get') {
    return result(
      iq,
      el(
        'query',
        ns.register,
        asker && el('registered'),
        el('instructions', {}, 'Choose a name and a password.'),
        el('username', {}, asker?.name),
        el('password'),
      ),
    );
  }
  if (asker !== undefined && child(query, 'remove') !== undefined) {
    world.accounts.delete(asker.name);
    return result(iq);
  }
  if (username === '' || password === '' || !/^[^\s@/"&'<>:]+$/.test(username)) {
    return bounce(iq, 'modify', 'not-acceptable');
  }
  if (asker !== undefined) {
    if (asker.name !== username) return bounce(iq, 'cancel', 'not-allowed');
    asker.password = password;
    return result(iq);
  }
  if (world.accounts.has(username)) return bounce(iq, 'cancel', 'conflict');
  world.addAccount({ name: username, password });
  return result(iq);
}
