import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CreateAccountBody } from './shapes/accounts.js';
import { SendMessageBody, SendMessagesBody } from './shapes/messages.js';
import { SetPricesBody } from './shapes/metering.js';
import { SetPresenceBody, SignInBody, UpdateMeBody } from './shapes/people.js';
import { routes } from './routes.js';

const id = '0190f0a0-0000-7000-8000-000000000001';
const refused = (result: {
  success: boolean;
  error?: { issues: { path: PropertyKey[] }[] } | undefined;
}): string[] => (result.error?.issues ?? []).map((issue) => issue.path.join('.'));

describe('what a client may say', () => {
  it('takes text of 65,536 UTF-16 units and not one more', () => {
    expect(SendMessageBody.safeParse({ text: 'x'.repeat(65_536) }).success).toBe(true);
    expect(refused(SendMessageBody.safeParse({ text: 'x'.repeat(65_537) }))).toEqual(['text']);
    expect(refused(SendMessageBody.safeParse({ text: '' }))).toEqual(['text']);
  });

  it('cleans a text of what no engine can store, and then measures it', () => {
    expect(SendMessageBody.parse({ text: 'a\0b\ud800' }).text).toBe('ab\ufffd');
    expect(refused(SendMessageBody.safeParse({ text: '\0' }))).toEqual(['text']);
  });

  it('refuses a stretch that lies outside its text', () => {
    const style = { kind: 'bold' };
    expect(SendMessageBody.safeParse({ text: 'hello', spans: [{ start: 0, end: 5, style }] }).success).toBe(
      true,
    );
    for (const [start, end] of [
      [0, 6],
      [3, 3],
      [4, 2],
      [-1, 2],
      [0.5, 2],
    ]) {
      expect(SendMessageBody.safeParse({ text: 'hello', spans: [{ start, end, style }] }).success).toBe(
        false,
      );
    }
    expect(
      SendMessageBody.safeParse({ text: 'hi', spans: [{ start: 0, end: 2, style: { kind: 'blink' } }] })
        .success,
    ).toBe(false);
  });

  it('takes a file by an http address only', () => {
    const attachment = (url: string) => ({
      text: 'x',
      attachments: [{ name: 'a', mediaType: 'text/plain', url }],
    });
    expect(SendMessageBody.safeParse(attachment('https://example.org/a')).success).toBe(true);
    for (const url of ['file:///etc/passwd', 'javascript:alert(1)', '/a', 'data:,a']) {
      expect(SendMessageBody.safeParse(attachment(url)).success).toBe(false);
    }
  });

  it('takes each kind of recipient, and no mixture', () => {
    const to = (...recipients: unknown[]) =>
      SendMessagesBody.safeParse({ text: 'x', to: recipients }).success;
    expect(to({ conversation: id }, { account: id, address: 'alice' }, { contact: id })).toBe(true);
    expect(to()).toBe(false);
    expect(to({ conversation: id, address: 'alice' })).toBe(false);
    expect(to({ address: 'alice' })).toBe(false);
  });

  it('takes either a connector or a shared link for an account', () => {
    expect(CreateAccountBody.safeParse({ label: 'a', connector: 'loopback' }).success).toBe(true);
    expect(CreateAccountBody.safeParse({ label: 'a', link: id }).success).toBe(true);
    expect(CreateAccountBody.safeParse({ label: 'a' }).success).toBe(false);
    expect(CreateAccountBody.safeParse({ label: 'a', link: id, connector: 'loopback' }).success).toBe(false);
  });

  it('refuses settings that a database could not hold, or that are nested without end', () => {
    const settings = (value: unknown) =>
      CreateAccountBody.safeParse({ label: 'a', connector: 'x', settings: value }).success;
    expect(settings({ a: [{ b: 'c' }, null, 1.5, true] })).toBe(true);
    expect(settings({ a: ['\0'] })).toBe(false);
    expect(settings({ 'a\ud800': 1 })).toBe(false);
    let deep: unknown = {};
    for (let depth = 0; depth < 100_000; depth++) deep = { deep };
    expect(settings(deep)).toBe(false);
  });

  it('wants the current password for a new one, and for a new address', () => {
    expect(refused(UpdateMeBody.safeParse({ password: 'a long password' }))).toEqual(['currentPassword']);
    expect(refused(UpdateMeBody.safeParse({ email: 'alice@example.org' }))).toEqual(['currentPassword']);
    expect(UpdateMeBody.safeParse({ name: 'Alice' }).success).toBe(true);
    expect(UpdateMeBody.safeParse({ password: 'a long password', currentPassword: 'old' }).success).toBe(
      true,
    );
  });

  it('has one spelling of an email address', () => {
    expect(SignInBody.parse({ email: 'Alice@Example.ORG', password: 'x' }).email).toBe('alice@example.org');
  });

  it('takes fifty thousand prices and not one more', () => {
    const items = (length: number) =>
      Array.from({ length }, (_, index) => ({ connector: 'x', prefix: String(index), price: '0.05' }));
    expect(SetPricesBody.safeParse({ currency: 'EUR', items: items(50_000) }).success).toBe(true);
    expect(refused(SetPricesBody.safeParse({ currency: 'EUR', items: items(50_001) }))).toEqual(['items']);
  });

  it('lets nobody wish to be unknown', () => {
    expect(SetPresenceBody.safeParse({ presence: 'away', note: 'lunch' }).success).toBe(true);
    expect(SetPresenceBody.safeParse({ presence: 'unknown' }).success).toBe(false);
  });

  it('reads a query as text: numbers, flags and their absence', () => {
    const list = routes.listConversations.query;
    expect(list.parse({})).toEqual({ limit: 50 });
    expect(list.parse({ limit: '200' }).limit).toBe(200);
    for (const limit of ['0', '201', '1.5', 'x', '', ' ', '-1', '1e9', ['1', '2']]) {
      expect(list.safeParse({ limit }).success).toBe(false);
    }
    const leave = routes.leaveConversation.query;
    expect(leave.parse({}).erase).toBeUndefined();
    expect(leave.parse({ erase: '' }).erase).toBe(true);
    expect(leave.parse({ erase: 'false' }).erase).toBe(false);
    expect(leave.safeParse({ erase: 'perhaps' }).success).toBe(false);
  });

  it('throws at nothing that JSON can say', () => {
    const bodies = Object.values(routes).flatMap((spec) => ('body' in spec ? [spec.body] : []));
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(...bodies), (value, body) => {
        expect(body.safeParse(value)).toHaveProperty('success');
      }),
    );
  });
});
