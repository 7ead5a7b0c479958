import { createHash, randomBytes } from 'node:crypto';
import { request } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Message, StoredFile } from '#api';
import { ParleyClient } from '#api';
import { eventually } from '#peers';
import { Config, Database } from '#platform';
import { Loop } from '../testing/loop.js';

const maxBytes = 60_000_000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
/** Bytes in buffers that somebody still holds. */
function held(): number {
  collect();
  return process.memoryUsage().arrayBuffers;
}

describe('files', () => {
  let loop: Loop;
  let url: string;
  let port: number;
  let bob: string;

  beforeAll(async () => {
    loop = await Loop.open();
    Object.assign(loop.house.app.get(Config), { fileMaxBytes: maxBytes, fileQuotaBytes: 3 * maxBytes });
    await loop.house.app.listen(0, '127.0.0.1');
    ({ port } = loop.house.app.getHttpServer().address() as AddressInfo);
    url = `http://127.0.0.1:${String(port)}`;
    bob = await loop.with('bob');
  });
  afterAll(async () => {
    await loop[Symbol.asyncDispose]();
  });

  const as = (token = loop.alice.token) => ({ authorization: `Bearer ${token}` });
  const get = (path: string, headers: Record<string, string> = as(), method = 'GET') =>
    fetch(`${url}${path}`, { method, headers });
  const upload = async (
    content: string | Uint8Array,
    name = 'x.txt',
    type = 'text/plain',
    token?: string,
  ) => {
    const form = new FormData();
    form.set('file', new Blob([content], { type }), name);
    const response = await fetch(`${url}/v1/files`, { method: 'POST', body: form, headers: as(token) });
    return { status: response.status, body: (await response.json()) as StoredFile & { code: string } };
  };
  const uploaded = async (...what: Parameters<typeof upload>): Promise<StoredFile> => {
    const { status, body } = await upload(...what);
    expect(status).toBe(201);
    return body;
  };
  /** What the recipient was told: the link, as a path of this server. */
  const linkIn = async (message: Message): Promise<string> => {
    await loop.fate(message, 'sent');
    const sent = loop.network.received.findLast(({ kind }) => kind === 'send');
    const link = /\n?[^\n]*: (http:\/\/127\.0\.0\.1:8080\/f\/[\w-]{22})$/.exec(sent?.text ?? '')?.[1];
    return new URL(link ?? 'no link').pathname;
  };
  const halfWritten = () => {
    try {
      return readdirSync(join(loop.house.app.get(Config).dataDir, 'files/incoming')).length;
    } catch {
      return 0;
    }
  };
  const count = async (table: string) => {
    const [row] = await loop.house.database.query<{ n: bigint }>(`SELECT count(*) AS n FROM ${table}`);
    return Number(row?.n);
  };

  describe('uploaded', () => {
    it('as a form come back as they were', async () => {
      const content = randomBytes(300_000);
      const file = await uploaded(content, 'Grüße "1".bin', 'application/x-thing');
      expect(file).toMatchObject({ name: 'Grüße "1".bin', mediaType: 'application/x-thing', size: 300_000 });
      const response = await get(`/v1/files/${file.id}`);
      expect(Buffer.from(await response.arrayBuffer()).equals(content)).toBe(true);
      expect(response.headers.get('content-disposition')).toBe(
        `attachment; filename="Gr__e _1_.bin"; filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%221%22.bin`,
      );
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('content-security-policy')).toMatch(/^sandbox; default-src 'none'/);
      expect(response.headers.get('etag')).toBe(
        `"${createHash('sha256').update(content).digest('base64url')}"`,
      );
    });

    it('as bytes alone, of a length that nobody announced', async () => {
      const response = await fetch(`${url}/v1/files?name=pipe.log`, {
        method: 'POST',
        body: Readable.toWeb(Readable.from([Buffer.from('hello '), Buffer.from('pipe')])) as ReadableStream,
        duplex: 'half',
        headers: { ...as(), 'content-type': 'application/octet-stream' },
      });
      expect([response.status, await response.json()]).toEqual([
        201,
        expect.objectContaining({ name: 'pipe.log', mediaType: 'text/plain', size: 10 }),
      ]);
    });

    it('through the typed client, and fetched by it', async () => {
      const client = new ParleyClient({ url, token: loop.alice.token, check: true });
      const file = await client.call('uploadFile', {
        file: new Blob(['typed']),
        query: { name: 'typed.txt' },
      });
      const back = await client.call('getFile', { params: { id: file.id } });
      expect([file.name, await back.text()]).toEqual(['typed.txt', 'typed']);
      const { items, used, quota } = await client.call('listFiles');
      expect([items[0]?.id, quota]).toEqual([file.id, 3 * maxBytes]);
      expect(used).toBeGreaterThanOrEqual(5);
      await client.call('deleteFile', { params: { id: file.id } });
      await expect(client.call('getFile', { params: { id: file.id } })).rejects.toMatchObject({
        status: 404,
      });
    });

    it.each([
      [
        'a page that calls itself a picture',
        '<!DOCTYPE html><script>alert(1)</script>',
        'cat.png',
        'image/png',
      ],
      [
        'a drawing with a script',
        '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        'a.svg',
        'image/svg+xml',
      ],
      ['a script', 'alert(1)', 'a.js', 'text/javascript'],
    ])('are never shown as %s', async (_, content, name, type) => {
      const { id } = await uploaded(content, name, type);
      const { headers } = await get(`/v1/files/${id}`);
      expect(headers.get('content-type')).toBe('application/octet-stream');
      expect(headers.get('content-disposition')).toMatch(/^attachment;/);
    });

    it.each([
      ['../../../etc/passwd', 'passwd'],
      ['..\\..\\boot.ini', 'boot.ini'],
      ['a\r\nX-Evil: 1\r\n\r\n.txt', 'aX-Evil: 1.txt'],
      ['x'.repeat(5_000) + '.png', `${'x'.repeat(196)}.png`],
    ])('under the name %j are called %j, and lie where all do', async (name, called) => {
      const file = await uploaded('named', name);
      expect(file.name).toBe(called);
      const { headers, status } = await get(`/v1/files/${file.id}`);
      expect([status, headers.get('x-evil')]).toEqual([200, null]);
    });

    it('too large are refused before they have come, or when they turn out to be', async () => {
      const before = await count('file');
      const announced = await upload(Buffer.alloc(maxBytes + 100_000));
      expect(announced).toMatchObject({ status: 413, body: { code: 'file-too-large', limit: maxBytes } });
      const chunk = Buffer.alloc(1_000_000);
      const endless = await fetch(`${url}/v1/files`, {
        method: 'POST',
        body: Readable.toWeb(
          Readable.from(
            (function* () {
              for (let i = 0; i < 61; i++) yield chunk;
            })(),
          ),
        ) as ReadableStream,
        duplex: 'half',
        headers: { ...as(), 'content-type': 'application/octet-stream' },
      });
      expect([endless.status, await endless.json()]).toEqual([
        413,
        expect.objectContaining({ code: 'file-too-large' }),
      ]);
      expect([await count('file'), halfWritten()]).toEqual([before, 0]);
    });

    it('beyond the quota are refused, however many come at once', async () => {
      const carol = await loop.house.invite(loop.alice, 'member', 'Carol');
      const answers = await Promise.all(
        Array.from({ length: 5 }, (_, index) =>
          upload(Buffer.alloc(50_000_000, index), 'x', '', carol.token),
        ),
      );
      const refused = answers.filter(({ status }) => status !== 201);
      expect(answers.length - refused.length).toBeLessThanOrEqual(3);
      for (const { status, body } of refused) expect([status, body.code]).toEqual([409, 'quota-exceeded']);
      const { used } = (await (await get('/v1/files', as(carol.token))).json()) as { used: number };
      expect(used).toBe((answers.length - refused.length) * 50_000_000);
    });

    it('and broken off leave nothing', async () => {
      const before = await count('file');
      const socket = connect(port, '127.0.0.1');
      socket.write(
        `POST /v1/files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${loop.alice.token}\r\n` +
          `Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n` +
          `--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n${'x'.repeat(100_000)}`,
      );
      await eventually('it is coming in', () => halfWritten() === 1);
      socket.destroy();
      await eventually(
        'nothing is left',
        async () => halfWritten() === 0 && (await count('file')) === before,
      );
    });

    it.each([
      ['that is no form', 'multipart/form-data; boundary=b', 'hello', 400, 'broken-upload'],
      ['without a file', 'multipart/form-data; boundary=b', '--b--', 400, 'broken-upload'],
      ['without a boundary', 'multipart/form-data', 'hello', 415, 'unsupported-media-type'],
      ['of JSON', 'application/json', '{}', 415, 'unsupported-media-type'],
      ['of another type', 'image/png', 'x', 415, 'unsupported-media-type'],
    ])('by a body %s are refused', async (_, type, body, status, code) => {
      const response = await fetch(`${url}/v1/files`, {
        method: 'POST',
        body,
        headers: { ...as(), 'content-type': type },
      });
      expect([response.status, await response.json()]).toEqual([status, expect.objectContaining({ code })]);
    });

    it('are taken by no other route', async () => {
      for (const path of [`/v1/conversations/${bob}/messages`, `/v1/accounts/${loop.account}/connect`]) {
        const response = await fetch(`${url}${path}`, {
          method: 'POST',
          body: 'x',
          headers: { ...as(), 'content-type': 'application/octet-stream' },
        });
        expect(response.status).toBe(415);
      }
    });
  });

  describe('fetched', () => {
    it('a stretch at a time, again only if they changed, or their head alone', async () => {
      const { id } = await uploaded('0123456789');
      const path = `/v1/files/${id}`;
      const stretch = await get(path, { ...as(), range: 'bytes=2-4' });
      expect([stretch.status, await stretch.text(), stretch.headers.get('content-range')]).toEqual([
        206,
        '234',
        'bytes 2-4/10',
      ]);
      expect((await get(path, { ...as(), range: 'bytes=10-' })).status).toBe(416);
      const etag = stretch.headers.get('etag') ?? '';
      const again = await get(path, { ...as(), 'if-none-match': etag });
      expect([again.status, await again.text()]).toEqual([304, '']);
      const head = await get(path, as(), 'HEAD');
      expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', '']);
    });

    it('by nobody but who uploaded them and who sees a message with them', async () => {
      const { id } = await uploaded('private');
      const dave = await loop.house.invite(loop.alice, 'member', 'Dave');
      const erin = await loop.house.elsewhere(loop.alice, 'Erin');
      const sight = async (token: string) => (await get(`/v1/files/${id}`, as(token))).status;
      expect([await sight(loop.alice.token), await sight(dave.token), await sight(erin.token)]).toEqual([
        200, 404, 404,
      ]);
      // Shared with them, the account's messages are theirs to see, and with them what those carry.
      await loop.send(bob, 'here', { attachments: [{ file: id }] });
      await loop.ask('PUT', `/v1/accounts/${loop.account}/people`, { people: [dave.id] });
      expect([await sight(dave.token), await sight(erin.token)]).toEqual([200, 404]);
      const theirs = await get(`/v1/files/${id}`, as(dave.token), 'DELETE');
      expect([theirs.status, await theirs.json()]).toEqual([
        409,
        expect.objectContaining({ code: 'not-allowed' }),
      ]);
      await loop.ask('PUT', `/v1/accounts/${loop.account}/people`, { people: [] });
      await eventually('it is theirs no more', async () => (await sight(dave.token)) === 404);
    });

    it('of 50 MB in constant memory, both ways', async () => {
      const chunk = randomBytes(1_000_000);
      const before = held();
      let most = before;
      const look = (): void => {
        most = Math.max(most, held());
      };
      async function* pieces(): AsyncGenerator<Buffer> {
        for (let sent = 0; sent < 50; sent++) {
          await Promise.resolve();
          if (sent % 10 === 9) look();
          yield chunk;
        }
      }
      const { id } = await new Promise<StoredFile>((resolve, reject) => {
        const post = request(
          `${url}/v1/files`,
          { method: 'POST', headers: { ...as(), 'content-type': 'application/octet-stream' } },
          (response) => {
            response.setEncoding('utf8').on('data', (text: string) => {
              resolve(JSON.parse(text) as StoredFile);
            });
          },
        );
        post.on('error', reject);
        Readable.from(pieces()).pipe(post);
      });
      let size = 0;
      const response = await get(`/v1/files/${id}`);
      for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
        if (Math.floor(size / 1e7) !== Math.floor((size + piece.byteLength) / 1e7)) look();
        size += piece.byteLength;
      }
      expect(size).toBe(50_000_000);
      // Client and server share this process: what is held is what is under way between them, not the file.
      expect(most - before).toBeLessThan(40_000_000);
    });
  });

  describe('that a network hands over', () => {
    const told = async (name: string) =>
      await eventually('the message', async () => {
        const { items } = await loop.ask<{ items: { id: string; address: string }[] }>(
          'GET',
          '/v1/conversations',
        );
        const place = items.find(({ address }) => address === name);
        return place && (await loop.messages(place.id)).at(-1);
      });

    it('come with their message, count against the account’s holder, and go with it', async () => {
      const data = Buffer.from('<svg onload="alert(1)"/>').toString('base64');
      loop.network.say('heidi', 'alice', {
        text: 'look',
        file: { name: '../a.png', data, type: 'image/png' },
      });
      const message = await told('heidi');
      const [attachment] = message.attachments;
      expect(attachment).toMatchObject({ name: 'a.png', mediaType: 'image/svg+xml', size: 24 });
      const path = `/v1/files/${attachment?.file ?? ''}`;
      const fetched = await get(path);
      expect([fetched.status, fetched.headers.get('content-type')]).toEqual([
        200,
        'application/octet-stream',
      ]);
      const { items } = (await (await get('/v1/files')).json()) as { items: StoredFile[] };
      expect(items[0]).toMatchObject({ id: attachment?.file, expiresAt: null });
      await loop.ask('DELETE', `/v1/conversations/${message.conversation}?erase`);
      await eventually('it is gone', async () => (await get(path)).status === 404);
    });

    it('and are too large are told of, not taken', async () => {
      Object.assign(loop.house.app.get(Config), { fileMaxBytes: 10 });
      const data = Buffer.alloc(11).toString('base64');
      loop.network.say('ivan', 'alice', { text: 'look', file: { name: 'large.bin', data } });
      const message = await told('ivan');
      Object.assign(loop.house.app.get(Config), { fileMaxBytes: maxBytes });
      expect([message.text, message.attachments]).toEqual(['look [large.bin: too-large]', []]);
    });
  });

  describe('sent', () => {
    it('reach the recipient as a link, and our own clients as a file', async () => {
      const { id } = await uploaded('for bob', 'note.txt');
      const message = await loop.send(bob, 'see this', { attachments: [{ file: id }] });
      const attachment = { file: id, name: 'note.txt', mediaType: 'text/plain', size: 7 };
      expect(message.attachments).toEqual([attachment]);
      const path = await linkIn(message);
      const fetched = await get(path, {});
      expect([fetched.status, await fetched.text()]).toEqual([200, 'for bob']);
      expect(fetched.headers.get('cross-origin-resource-policy')).toBe('cross-origin');
      expect((await get(path, {}, 'HEAD')).status).toBe(200);
      // Neither our own clients nor the tables say the link.
      const shown = await loop.ask<Message>('GET', `/v1/messages/${message.id}`);
      expect(shown.attachments).toEqual([attachment]);
      const token = path.slice('/f/'.length);
      for (const table of ['file', 'file_use', 'message', 'envelope', 'event']) {
        const rows = await loop.house.database.query<{ row: string }>(
          `SELECT t::text AS row FROM ${table} t`,
        );
        const hex = Buffer.from(token).toString('hex');
        for (const { row } of rows) expect(row.includes(token) || row.includes(hex)).toBe(false);
      }
    });

    it('without a word, and beside files that lie elsewhere', async () => {
      const { id } = await uploaded('x');
      const elsewhere = { name: 'e', mediaType: 'text/plain', url: 'https://example.org/e' };
      const message = await loop.ask<Message>('POST', `/v1/conversations/${bob}/messages`, {
        attachments: [{ file: id }, elsewhere],
      });
      expect([message.text, message.attachments[1]]).toEqual(['', elsewhere]);
      const nothing = await loop.house.ask('POST', `/v1/conversations/${bob}/messages`, {
        token: loop.alice.token,
        body: { text: '' },
      });
      expect(nothing.status).toBe(422);
    });

    it('to many are a link of its own for each', async () => {
      const { id } = await uploaded('for all');
      const { results } = await loop.ask<{ results: { message: Message }[] }>('POST', '/v1/messages', {
        to: [{ conversation: bob }, { account: loop.account, address: 'carol' }],
        attachments: [{ file: id }],
      });
      const links = await Promise.all(
        results.map(async ({ message }) => {
          await loop.fate(message, 'sent');
          return message.id;
        }),
      );
      const urls = loop
        .sent()
        .slice(-2)
        .map((text) => text.replace('x.txt: ', ''));
      expect([links.length, new Set(urls).size]).toEqual([2, 2]);
      for (const one of urls) expect((await get(new URL(one).pathname, {})).status).toBe(200);
    });

    it('are refused where they are not there, or not the sender’s to see', async () => {
      const frank = await loop.house.invite(loop.alice, 'member', 'Frank');
      const { id } = await uploaded('frank’s', 'x', '', frank.token);
      for (const file of [id, '01890000-0000-7000-8000-000000000000']) {
        const answer = await loop.house.ask('POST', `/v1/conversations/${bob}/messages`, {
          token: loop.alice.token,
          body: { text: 'x', attachments: [{ file }] },
        });
        expect(answer).toMatchObject({ status: 404, body: { code: 'not-found' } });
      }
    });

    it('cannot be deleted while a message carries them; with the last message goes the file and its link', async () => {
      const { id } = await uploaded('for a while');
      const one = await loop.send(bob, 'one', { attachments: [{ file: id }] });
      const path = await linkIn(one);
      const refused = await get(`/v1/files/${id}`, as(), 'DELETE');
      expect([refused.status, await refused.json()]).toEqual([
        409,
        expect.objectContaining({ code: 'file-in-use' }),
      ]);
      const two = await loop.send(bob, 'two', { attachments: [{ file: id }] });
      const other = await linkIn(two);
      await loop.ask('DELETE', `/v1/messages/${one.id}`);
      expect((await get(path, {})).status).toBe(404);
      expect((await get(other, {})).status).toBe(200);
      await loop.ask('DELETE', `/v1/messages/${two.id}`);
      await eventually('it is gone', async () => (await get(`/v1/files/${id}`)).status === 404);
    });

    it('stay with a message that is corrected', async () => {
      const { id } = await uploaded('stays');
      const message = await loop.send(bob, 'tpyo', { attachments: [{ file: id }] });
      const path = await linkIn(message);
      const edited = await loop.ask<Message>('PATCH', `/v1/messages/${message.id}`, { text: 'typo' });
      expect([edited.text, edited.attachments.map(({ file }) => file)]).toEqual(['typo', [id]]);
      expect((await get(path, {})).status).toBe(200);
    });

    it('go with the conversation that is erased', async () => {
      const gina = await loop.with('gina');
      const { id } = await uploaded('erase me');
      const path = await linkIn(await loop.send(gina, 'x', { attachments: [{ file: id }] }));
      await loop.ask('DELETE', `/v1/conversations/${gina}?erase`);
      expect((await get(path, {})).status).toBe(404);
      await eventually('it is gone', async () => (await get(`/v1/files/${id}`)).status === 404);
    });

    it('by a link that has expired, or never was, lead to a page that says so', async () => {
      const { id } = await uploaded('old');
      const path = await linkIn(await loop.send(bob, 'x', { attachments: [{ file: id }] }));
      await loop.house.app
        .get(Database)
        .query(`UPDATE file_use SET expires_at = now() - interval '1 s' WHERE file_id = $1`, [id]);
      for (const [where, status, words] of [
        [path, 410, 'expired'],
        ['/f/AAAAAAAAAAAAAAAAAAAAAA', 404, 'no file here'],
        [`/f/${'x'.repeat(900)}`, 404, 'no file here'],
        ['/f/%2e%2e%2fkeys.json', 404, 'no file here'],
      ] as const) {
        const answer = await get(where, {});
        expect([answer.status, answer.headers.get('content-type')]).toEqual([
          status,
          'text/html; charset=utf-8',
        ]);
        expect(await answer.text()).toContain(words);
      }
    });
  });
});
