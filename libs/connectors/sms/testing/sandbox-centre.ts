/* The sandbox's message centre, as the conformance kit needs one. Whoever has a bind gets what is written to any number. */
import { statuses } from '#protocols/smpp';
import { startSandboxSms, type Fate } from '#sandbox';
import type { MessageCentre } from './harness.js';

const [systemId, password] = ['parley', 'tulips'];

/** Answers after which nothing is delivered again. */
const settling: ReadonlySet<number | undefined> = new Set([statuses.ESME_ROK, statuses.ESME_RX_R_APPN]);

/** Starts one on a free loopback port. */
export async function sandboxCentre(): Promise<MessageCentre> {
  // Of every number, for now: they arrive, and nobody says so.
  const fates: Record<string, Fate> = { '': 'silent' };
  const sandbox = await startSandboxSms({
    fates,
    accounts: [{ systemId, password }],
    ids: 'hex-decimal',
    phones: [],
  });
  const heard: { readonly from: string; readonly to: string; readonly text: string }[] = [];
  return {
    host: sandbox.host,
    port: sandbox.port,
    password,
    systemId,
    heard,
    route: () => Promise.resolve(),
    phone: (number) => {
      sandbox.phone(number).hears = ({ from, text }) => void heard.push({ from, to: number, text });
    },
    say: ({ from, to, text }) => {
      sandbox.phone(from).send(to, text);
      return Promise.resolve();
    },
    unacknowledged: () =>
      sandbox.deliveries.filter(
        ({ isReceipt, answers }) => !isReceipt && !answers.some((status) => settling.has(status)),
      ).length,
    tellReceipts: () => {
      fates[''] = 'delivered';
      return Promise.resolve();
    },
    stop: () => sandbox.stop(),
    restart: () => sandbox.start(),
    [Symbol.asyncDispose]: () => sandbox[Symbol.asyncDispose](),
  };
}
