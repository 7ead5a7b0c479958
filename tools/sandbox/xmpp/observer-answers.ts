/* What an observer answers when it is asked (XEP-0030, XEP-0199). */
import { el, type Element } from './element.js';
import { ns } from './namespaces.js';
import { bounce, payload, result } from './stanzas.js';

const features = [ns.discoInfo, ns.ping, ns.receipts, ns.chatStates, ns.correct, ns.reactions, ns.retract];

export function answerOf(iq: Element): Element {
  const about = payload(iq)?.attrs['xmlns'];
  if (about === ns.discoInfo) {
    return result(
      iq,
      el(
        'query',
        { xmlns: ns.discoInfo, node: payload(iq)?.attrs['node'] },
        el('identity', { category: 'client', type: 'pc', name: 'Observer' }),
        ...features.map((one) => el('feature', { var: one })),
      ),
    );
  }
  return about === ns.ping || about === ns.roster || about === ns.blocking
    ? result(iq)
    : bounce(iq, 'cancel', 'service-unavailable');
}
