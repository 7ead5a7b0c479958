import { afterEach, describe, expect, it } from '@jest/globals';
import { TestContext } from '#connector/testing';
import { FakeProvider } from '#connectors/sms/testing';
import { failure } from '#model';
import { eventually } from '#peers';
import { HttpClient, retryAfterOf, type HttpTimings } from './http.js';

const timings: HttpTimings = { connect: 1_000, answer: 300 };
const clients: HttpClient[] = [];
const client = (context: TestContext) => {
  const made = new HttpClient(context, timings);
  clients.push(made);
  return made;
};
afterEach(() => {
  for (const made of clients.splice(0)) made.destroy();
});

describe('a request to a provider', () => {
  it('asks for its turn at every connect, and makes one connection for several requests', async () => {
    await using provider = await FakeProvider.start(() => ({ status: 200, body: 'ok' }));
    const context = new TestContext();
    const http = client(context);
    for (let n = 0; n < 3; n++) {
      const answer = await http.ask({ method: 'POST', url: new URL(provider.url), body: 'grüße' });
      expect(answer).toMatchObject({ outcome: 'answered', status: 200, body: Buffer.from('ok') });
    }
    expect(provider.asked.map(({ body }) => body)).toEqual(['grüße', 'grüße', 'grüße']);
    expect(context.turns).toHaveLength(1);
  });

  it('goes nowhere where no account may connect', async () => {
    await using provider = await FakeProvider.start(() => ({ status: 200 }));
    const context = new TestContext();
    context.turnsAre = failure('not-allowed');
    const answer = await client(context).ask({ method: 'GET', url: new URL(provider.url) });
    expect(answer).toMatchObject({ outcome: 'not-sent', failure: { code: 'not-allowed' } });
    expect(provider.asked).toEqual([]);
  });

  it('follows nobody to elsewhere, and looks at no more of an answer than an answer has', async () => {
    await using other = await FakeProvider.start(() => ({ status: 200 }));
    await using provider = await FakeProvider.start(({ url }) =>
      url.pathname === '/long'
        ? { status: 200, body: 'x'.repeat(2_000_000) }
        : { status: 302, headers: { location: other.url } },
    );
    const http = client(new TestContext());
    const ask = (path: string) => http.ask({ method: 'GET', url: new URL(path, provider.url) });
    expect(await ask('/')).toMatchObject({ outcome: 'answered', status: 302 });
    expect(other.asked).toEqual([]);
    const long = await ask('/long');
    expect(long.outcome === 'answered' && long.body.length).toBe(262_144);
  });

  it('tells what never left from what nobody answered', async () => {
    await using provider = await FakeProvider.start(() => ({ status: 200 }));
    const http = client(new TestContext());
    const ask = (signal?: AbortSignal) => http.ask({ method: 'GET', url: new URL(provider.url) }, signal);
    expect(await ask(AbortSignal.abort())).toMatchObject({ outcome: 'not-sent' });
    provider.next.push('cut', 'silent', 'silent');
    expect(await ask()).toMatchObject({ outcome: 'unanswered', failure: { code: 'network-unreachable' } });
    expect(await ask()).toMatchObject({ outcome: 'unanswered', failure: { code: 'timeout' } });
    const given = new AbortController();
    const asking = ask(given.signal);
    await eventually('it is asked', () => provider.asked.length === 3);
    given.abort();
    expect(await asking).toMatchObject({ outcome: 'unanswered' });
    await provider.down();
    http.destroy();
    const late = client(new TestContext()).ask({ method: 'GET', url: new URL(provider.url) });
    expect(await late).toMatchObject({ outcome: 'not-sent', failure: { code: 'network-unreachable' } });
  });
});

describe('patience that is asked for', () => {
  it.each([
    ['7', 7_000],
    ['0', 0],
    ['Thu, 01 Jan 2026 00:00:30 GMT', 30_000],
    ['Thu, 01 Jan 2026 00:00:00 GMT', 0],
    ['999999999', 3_600_000],
    ['soon', undefined],
    [undefined, undefined],
  ])('of %s is %s ms', (said, ms) => {
    expect(retryAfterOf(said === undefined ? {} : { 'retry-after': said }, Date.UTC(2026, 0, 1))).toBe(ms);
  });
});
