import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { OutboundEnvelope } from '#connector';
import { TestContext } from '#connector/testing';
import { failure, newId, type FileId } from '#model';
import type { IqAnswer } from './core/port.js';
import { readStanza, serialise } from './core/xml.js';
import type { Parts } from './crew.js';
import { Uploads } from './upload.js';
import { infoOf } from './xep/0030.js';
import { readSettings } from './xmpp.settings.js';

/** A place on the web that files are put to; its answers are told it. */
const put: { path: string; headers: IncomingHttpHeaders; body: Buffer }[] = [];
let status = 201;
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request
    .on('data', (chunk: Buffer) => chunks.push(chunk))
    .on('end', () => {
      put.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) });
      response.writeHead(status).end();
    });
});
let base = '';
beforeAll(async () => {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
});
afterAll(() => {
  server.close();
});

const info = infoOf(
  readStanza(`<iq><query xmlns='http://jabber.org/protocol/disco#info'><identity category='store' type='file'/><feature var='urn:xmpp:http:upload:0'/>
  <x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:http:upload:0</value></field>
  <field var='max-file-size'><value>1000000</value></field></x></query></iq>`).getChildElements()[0],
);
const house = 'https://house.example/f/1';

/** Uploads beside a server that answers as told. */
function stage({ security = 'none', offered = true } = {}) {
  const context = new TestContext();
  const asked: string[] = [];
  const state: { answer?: IqAnswer } = {};
  const parts = {
    context,
    settings: readSettings({ jid: 'alice@example.org', security }),
    port: {
      iq: ({ payload }: { payload: Parameters<typeof serialise>[0] }) => {
        asked.push(serialise(payload));
        return Promise.resolve(state.answer ?? slot());
      },
    },
  } as unknown as Parts;
  const found = offered && info !== undefined ? { jid: 'upload.example.org', info } : undefined;
  const uploads = new Uploads(parts, { service: () => Promise.resolve(found) });
  return { context, asked, state, uploads };
}

const slot = (headers = ''): IqAnswer => {
  const stanza = readStanza(
    `<iq type='result'><slot xmlns='urn:xmpp:http:upload:0'><put url='${base}/put/1'>${headers}</put><get url='${base}/get/1'/></slot></iq>`,
  );
  return { ok: true, payload: stanza.getChildElements()[0], stanza };
};
const refused = (error: string, remedy: 'retry' | 'give-up' = 'give-up'): IqAnswer => {
  const element = readStanza(
    `<iq type='error'><error type='cancel'>${error}</error></iq>`,
  ).getChildElements()[0];
  return {
    ok: false,
    failure: failure('not-allowed', undefined, remedy),
    ...(element && { error: element }),
  };
};

function carrying(
  { context }: { context: TestContext },
  bytes: Buffer,
  size = bytes.length,
): OutboundEnvelope {
  const file = newId<'FileId'>();
  context.inbox.held.set(file, { name: 'a.png', mediaType: 'image/png', bytes });
  return withFile(file, size);
}
const withFile = (file: FileId, size: number): OutboundEnvelope => ({
  id: newId<'EnvelopeId'>(),
  account: newId<'AccountId'>(),
  kind: 'message',
  to: 'bob@example.org',
  conversationKind: 'direct',
  content: { text: '', attachments: [{ name: 'a.png', mediaType: 'image/png', size, file, url: house }] },
  attempt: 1,
});
const never = new AbortController().signal;

describe('a file on its way out', () => {
  test('is put where the slot says, with the headers that may be sent, and gets the address that it says', async () => {
    const one = stage();
    one.state.answer = slot(
      `<header name='Authorization'>Basic x</header><header name='Host'>evil.example</header>`,
    );
    const bytes = Buffer.alloc(200_000, 7);
    const done = await one.uploads.uploaded(carrying(one, bytes), never);
    expect(done).toMatchObject({ content: { attachments: [{ url: `${base}/get/1` }] } });
    expect(one.asked).toEqual([
      '<request xmlns="urn:xmpp:http:upload:0" filename="a.png" size="200000" content-type="image/png"/>',
    ]);
    expect(put.at(-1)).toMatchObject({
      path: '/put/1',
      headers: { authorization: 'Basic x', 'content-type': 'image/png', 'content-length': '200000' },
    });
    expect(put.at(-1)?.headers.host).not.toContain('evil');
    expect(put.at(-1)?.body.equals(bytes)).toBe(true);
    expect(one.context.turns).toEqual(['127.0.0.1']);
  });

  test('is put once, however often its envelope is tried', async () => {
    const one = stage();
    const envelope = carrying(one, Buffer.from('x'));
    await one.uploads.uploaded(envelope, never);
    await one.uploads.uploaded({ ...envelope, attempt: 2 }, never);
    expect(one.asked).toHaveLength(1);
  });

  test('that is too large is refused before anything is asked', async () => {
    const one = stage();
    expect(await one.uploads.limit()).toEqual({ maxBytes: 1_000_000 });
    expect(await one.uploads.uploaded(carrying(one, Buffer.from('x'), 1_000_001), never)).toMatchObject({
      outcome: 'refused',
      failure: { code: 'too-large', detail: 'The server takes files of at most 1000000 bytes.' },
    });
    expect(one.asked).toEqual([]);
  });

  test.each([
    [
      'too large',
      `<file-too-large xmlns='urn:xmpp:http:upload:0'><max-file-size>5</max-file-size></file-too-large>`,
      { outcome: 'refused', failure: { code: 'too-large' } },
    ],
    [
      'not for now',
      `<retry xmlns='urn:xmpp:http:upload:0' stamp='2999-01-01T00:00:00Z'/>`,
      { outcome: 'later' },
    ],
  ])('that the service says is %s ends so', async (_, error, outcome) => {
    const one = stage();
    one.state.answer = refused(error);
    expect(await one.uploads.uploaded(carrying(one, Buffer.from('x')), never)).toMatchObject(outcome);
  });

  test.each([
    [413, { outcome: 'refused', failure: { code: 'too-large' } }],
    [403, { outcome: 'refused', failure: { code: 'refused' } }],
    [503, { outcome: 'later' }],
  ])('that is answered with %d ends so', async (answer, outcome) => {
    const one = stage();
    status = answer;
    expect(await one.uploads.uploaded(carrying(one, Buffer.from('x')), never)).toMatchObject(outcome);
    status = 201;
  });

  test('waits where nobody listens', async () => {
    const one = stage();
    const nowhere = readStanza(
      `<iq type='result'><slot xmlns='urn:xmpp:http:upload:0'><put url='http://127.0.0.1:1/p'/><get url='http://127.0.0.1:1/g'/></slot></iq>`,
    );
    one.state.answer = { ok: true, payload: nowhere.getChildElements()[0], stanza: nowhere };
    expect(await one.uploads.uploaded(carrying(one, Buffer.from('x')), never)).toMatchObject({
      outcome: 'later',
    });
  });

  test('is put nowhere that an account may not connect to (law 9)', async () => {
    const one = stage();
    one.context.turnsAre = failure('not-allowed', 'No.');
    const before = put.length;
    expect(await one.uploads.uploaded(carrying(one, Buffer.from('x')), never)).toMatchObject({
      outcome: 'refused',
      failure: { code: 'not-allowed' },
    });
    expect(put).toHaveLength(before);
  });

  test.each([
    ['the server keeps none', () => stage({ offered: false }), undefined],
    ['the server keeps none for us', stage, refused('')],
    ['it would travel in clear', () => stage({ security: 'starttls' }), undefined],
  ])('goes by the house’s own address where %s', async (_, begin, answer) => {
    const one = begin();
    if (answer !== undefined) one.state.answer = answer;
    expect(await one.uploads.uploaded(carrying(one, Buffer.from('x')), never)).toMatchObject({
      content: { attachments: [{ url: house }] },
    });
  });

  test('that cannot be read goes by the house’s own address', async () => {
    const one = stage();
    expect(await one.uploads.uploaded(withFile(newId<'FileId'>(), 5), never)).toMatchObject({
      content: { attachments: [{ url: house }] },
    });
    expect(one.asked).toEqual([]);
  });
});
