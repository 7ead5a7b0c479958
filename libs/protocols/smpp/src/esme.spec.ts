import { afterEach, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createConnection, createServer, type AddressInfo, type LookupFunction } from 'node:net';
import { ConnectFailed, connectEsme, type Esme, type EsmeOptions } from './esme.js';
import { ManualClock, RawPeer, until } from './session.fixture.js';
import { listenSmsc, type Bound, type Smsc, type SmscOptions } from './smsc.js';
import { statuses } from './statuses.js';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

async function smscWith(options: SmscOptions = {}): Promise<Smsc> {
  const smsc = await listenSmsc(options);
  open.push(smsc);
  return smsc;
}

async function bindTo(port: number, more: Partial<EsmeOptions> = {}): Promise<Esme> {
  const esme = await connectEsme({ host: '127.0.0.1', port, as: 'transceiver', systemId: 'alice', ...more });
  open.push(esme.session);
  return esme;
}

async function failureOf(attempt: Promise<unknown>): Promise<ConnectFailed> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof ConnectFailed) return error;
    throw error;
  }
  throw new Error('it was bound');
}

/** A certificate that signs itself, and its key, as one PEM text. */
function certificate(name: string): string {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', '-'];
  const what = ['-days', '2', '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  return execFileSync('openssl', ['req', '-x509', ...key, ...what], { encoding: 'utf8', stdio: 'pipe' });
}

describe('an ESME', () => {
  it('binds as what it is, and learns whom it is bound to', async () => {
    const binds: Bound['bind'][] = [];
    const smsc = await smscWith({
      onBind: (bind) => {
        binds.push(bind);
        return { systemId: 'sandbox' };
      },
    });
    const addressRange = { ton: 1, npi: 1, addr: '^1202' };
    const esme = await bindTo(smsc.port, {
      as: 'receiver',
      password: 'secret',
      systemType: 'VMS',
      addressRange,
    });
    expect(esme).toMatchObject({ smscId: 'sandbox', interfaceVersion: 0x34 });
    expect(binds).toMatchObject([
      { command: 'bind_receiver', systemId: 'alice', password: 'secret', systemType: 'VMS', addressRange },
    ]);
    expect([...smsc.bound]).toMatchObject([{ as: 'receiver', peer: '127.0.0.1' }]);
  });

  it('may bind several times, each with a session of its own', async () => {
    const smsc = await smscWith();
    const all = await Promise.all([
      bindTo(smsc.port),
      bindTo(smsc.port),
      bindTo(smsc.port, { as: 'transmitter' }),
    ]);
    expect(smsc.bound.size).toBe(3);
    all[0].session.close();
    await until(() => smsc.bound.size === 2);
    expect(all[1].session.isOpen).toBe(true);
  });

  it('is told why the SMSC does not want it', async () => {
    const smsc = await smscWith({ onBind: () => ({ status: statuses.ESME_RINVPASWD }) });
    expect(await failureOf(bindTo(smsc.port))).toMatchObject({ stage: 'bind', status: 0x0e });
  });

  it('is told that nobody listens', async () => {
    const smsc = await smscWith();
    await smsc.close();
    expect(await failureOf(bindTo(smsc.port))).toMatchObject({
      stage: 'connect',
      cause: { code: 'ECONNREFUSED' },
    });
  });

  it('does not wait for ever for an answer to its bind', async () => {
    const silent = createServer((socket) => socket.on('error', () => undefined).resume());
    await new Promise<void>((ready) => silent.listen(0, '127.0.0.1', ready));
    open.push(silent);
    const { port } = silent.address() as AddressInfo;
    expect(await failureOf(bindTo(port, { responseMs: 20 }))).toMatchObject({
      stage: 'bind',
      cause: { reason: 'timeout' },
    });
    // A handshake that the other side does not know is another way to be silent.
    expect(await failureOf(bindTo(port, { tls: {}, connectMs: 20 }))).toMatchObject({ stage: 'connect' });
  });

  it('may be given up while it connects and while it binds', async () => {
    let heard: () => void = () => undefined;
    const bound = new Promise<void>((resolve) => {
      heard = resolve;
    });
    const smsc = await smscWith({
      onBind: () => {
        heard();
        return new Promise(() => undefined);
      },
    });
    expect(await failureOf(bindTo(smsc.port, { signal: AbortSignal.abort() }))).toMatchObject({
      stage: 'connect',
    });
    const gone = new AbortController();
    const attempt = failureOf(bindTo(smsc.port, { signal: gone.signal }));
    await bound;
    gone.abort();
    expect(await attempt).toMatchObject({ stage: 'bind', cause: { end: { reason: 'closed' } } });
  });

  it('that cannot write its bind says so', async () => {
    const smsc = await smscWith();
    expect(await failureOf(bindTo(smsc.port, { password: 'far too long' }))).toMatchObject({
      stage: 'bind',
      cause: { field: 'password' },
    });
  });

  it('looks names up as it is told to', async () => {
    const smsc = await smscWith();
    const names: string[] = [];
    const lookup: LookupFunction = (name, options, answer) => {
      names.push(name);
      if (options.all === true) answer(null, [{ address: '127.0.0.1', family: 4 }]);
      else answer(null, '127.0.0.1', 4);
    };
    await bindTo(smsc.port, { host: 'smsc.example.org', lookup });
    expect(names).toEqual(['smsc.example.org']);
  });

  it('speaks TLS, and believes whom it is told to believe', async () => {
    const pem = certificate('localhost');
    const smsc = await smscWith({ tls: { key: pem, cert: pem } });
    const host = { tls: { ca: pem, servername: 'localhost' } };
    expect((await bindTo(smsc.port, host)).session.isOpen).toBe(true);
    expect(await failureOf(bindTo(smsc.port, { tls: { servername: 'localhost' } }))).toMatchObject({
      stage: 'connect',
    });
    const trust = (): Error => new Error('not this one');
    expect(await failureOf(bindTo(smsc.port, { ...host, trust }))).toMatchObject({
      stage: 'trust',
      message: 'not this one',
    });
    expect(smsc.bound.size).toBe(1);
  });
});

describe('an SMSC', () => {
  it('serves whoever has bound, and nobody else', async () => {
    const smsc = await smscWith({ onRequest: () => ({ messageId: 'a' }) });
    const receiver = await bindTo(smsc.port, { as: 'receiver' });
    const submit = { command: 'submit_sm' } as const;
    expect(await receiver.session.request(submit)).toMatchObject({ status: statuses.ESME_RINVBNDSTS });
    const both = await bindTo(smsc.port);
    expect(await both.session.request(submit)).toMatchObject({ status: 0, messageId: 'a' });
    expect(await both.session.request({ command: 'bind_receiver' })).toMatchObject({
      status: statuses.ESME_RALYBND,
    });
  });

  it('delivers to whom it has bound', async () => {
    const smsc = await smscWith({
      onBound: ({ session }) => {
        session.request({ command: 'deliver_sm', shortMessage: Buffer.from('hi') }).then(
          (answer) => statusesSeen.push(answer.status),
          () => undefined,
        );
      },
    });
    const statusesSeen: number[] = [];
    const texts: string[] = [];
    await bindTo(smsc.port, {
      onRequest: (request) => {
        if (request.command === 'deliver_sm') texts.push(request.shortMessage.toString());
        return undefined;
      },
    });
    await until(() => statusesSeen.length === 1);
    expect(texts).toEqual(['hi']);
  });

  it('ends a connection that never binds', async () => {
    const clock = new ManualClock();
    const smsc = await smscWith({ clock, bindMs: 5_000 });
    const attempt = new RawPeer(createConnection(smsc.port, '127.0.0.1'));
    attempt.say({ command: 'submit_sm', sequence: 1 });
    expect(await attempt.next('submit_sm_resp')).toMatchObject([{ status: statuses.ESME_RINVBNDSTS }]);
    clock.advance(5_000);
    await until(() => attempt.socket.destroyed);
  });

  it('that closes leaves nobody', async () => {
    const smsc = await listenSmsc();
    const esme = await bindTo(smsc.port);
    await smsc.close();
    expect(await esme.session.closed).toMatchObject({ reason: 'ended-by-peer' });
    expect(smsc.bound.size).toBe(0);
  });
});
