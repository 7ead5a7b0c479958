import { describe, expect, it } from '@jest/globals';
import type { ConversationId } from '#model';
import { ParleyClient, ParleyError, urlOf, type AnswerOf, type InputOf } from './client.js';
import { routes } from './routes.js';
import type { Message } from './shapes/messages.js';

const id = '0190f0a0-0000-7000-8000-000000000001';

interface Asked {
  readonly url: string;
  readonly init: RequestInit;
}

/** A client whose server gives one answer and remembers what it was asked. */
function clientOf(answer: Response, options: { check?: boolean } = {}) {
  const asked: Asked[] = [];
  const client = new ParleyClient({
    url: 'http://127.0.0.1:8080',
    token: 'a-token',
    fetch: (url, init = {}) => {
      asked.push({ url: String(url instanceof Request ? url.url : url), init });
      return Promise.resolve(answer);
    },
    ...options,
  });
  return { client, asked };
}

const json = (body: unknown, status = 200, type = 'application/json'): Response =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': type } });

describe('the client', () => {
  it('builds an address out of path, parameters and query', () => {
    const url = (base: string) =>
      urlOf(base, routes.react, { params: { id, emoji: '👍/?#' }, query: {} }).href;
    expect(url('http://127.0.0.1:8080')).toBe(
      `http://127.0.0.1:8080/v1/messages/${id}/reactions/%F0%9F%91%8D%2F%3F%23`,
    );
    expect(url('https://example.org/parley/')).toBe(
      `https://example.org/parley/v1/messages/${id}/reactions/%F0%9F%91%8D%2F%3F%23`,
    );
    expect(
      urlOf('http://h', routes.search, { query: { q: 'a b&c', limit: 5, next: undefined } }).search,
    ).toBe('?q=a+b%26c&limit=5');
  });

  it('does not ask for an address with a hole in it', () => {
    expect(() => urlOf('http://h', routes.getMessage, { params: {} })).toThrow('needs id');
    expect(() => urlOf('http://h', routes.getMessage, { params: { id: '' } })).toThrow('needs id');
  });

  it('asks as the table says, with its token', async () => {
    const { client, asked } = clientOf(json({}, 201));
    await client.call('sendMessage', {
      params: { id },
      body: { text: 'hello' },
      headers: { 'idempotency-key': 'one' },
    });
    expect(asked).toEqual([
      {
        url: `http://127.0.0.1:8080/v1/conversations/${id}/messages`,
        init: {
          method: 'POST',
          body: '{"text":"hello"}',
          headers: {
            accept: 'application/json, application/problem+json',
            'content-type': 'application/json',
            authorization: 'Bearer a-token',
            'idempotency-key': 'one',
          },
        },
      },
    ]);
  });

  it('gives every answer that the table knows: a shape, another one, text or nothing', async () => {
    expect(await clientOf(json({ items: [] })).client.call('listAccounts')).toEqual({ items: [] });
    const job = { id, total: 200, done: 0, refused: [], finished: false };
    const sent = await clientOf(json(job, 202)).client.call('sendMessages', {
      body: { to: [{ conversation: id }], text: 'hello' },
    });
    expect(sent).toEqual(job);
    expect(await clientOf(new Response('up 1\n')).client.call('metrics')).toBe('up 1\n');
    await expect(
      clientOf(new Response(null, { status: 204 })).client.call('signOut'),
    ).resolves.toBeUndefined();
  });

  it('throws what the server says when it refuses', async () => {
    const problem = {
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      code: 'not-found',
      detail: 'gone',
    };
    const { client } = clientOf(json({ ...problem, more: 1 }, 404, 'application/problem+json'));
    const error = await client.call('getMessage', { params: { id } }).catch((err: unknown) => err);
    expect(error).toBeInstanceOf(ParleyError);
    expect(error).toMatchObject({ status: 404, problem: { ...problem, more: 1 } });
  });

  it('makes an error out of whatever stands between it and the server', async () => {
    const { client } = clientOf(new Response('<h1>Bad Gateway</h1>', { status: 502 }));
    await expect(client.call('getMe')).rejects.toMatchObject({
      status: 502,
      problem: { code: 'no-problem-details', detail: '<h1>Bad Gateway</h1>' },
    });
    await expect(clientOf(new Response('', { status: 200 })).client.call('signOut')).rejects.toThrow(
      ParleyError,
    );
  });

  it('holds answers against their schema when it is told to', async () => {
    const wrong = { items: [{ id: 'no id' }] };
    await expect(clientOf(json(wrong), { check: true }).client.call('listTokens')).rejects.toThrow('Invalid');
    expect(await clientOf(json(wrong)).client.call('listTokens')).toEqual(wrong);
  });

  it('knows at compile time what a route takes and gives', () => {
    const input: InputOf<'sendMessage'> = { params: { id }, body: { text: 'x' } };
    const answer = (message: AnswerOf<'sendMessage'>): Message => message;
    const branded = (message: Message): ConversationId => message.conversation;
    // @ts-expect-error a body is needed
    const without: InputOf<'createConversation'> = {};
    // @ts-expect-error there is no such presence
    const wrong: InputOf<'setPresence'> = { body: { presence: 'asleep' } };
    expect([input, answer, branded, without, wrong]).toHaveLength(5);
  });
});
