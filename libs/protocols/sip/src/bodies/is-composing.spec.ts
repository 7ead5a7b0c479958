import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  ComposingReceiver,
  ComposingSender,
  readComposing,
  writeComposing,
  type Composing,
} from './is-composing.js';

/** A clock that is moved by hand. */
class Hands {
  #now = 0;
  #due: { readonly at: number; readonly call: () => void }[] = [];

  readonly after = (ms: number, call: () => void): (() => void) => {
    const one = { at: this.#now + ms, call };
    this.#due.push(one);
    return () => {
      this.#due = this.#due.filter((other) => other !== one);
    };
  };

  get waiting(): number {
    return this.#due.length;
  }

  pass(seconds: number): void {
    const until = this.#now + seconds * 1_000;
    for (;;) {
      const [next] = this.#due.filter(({ at }) => at <= until).sort((one, other) => one.at - other.at);
      if (next === undefined) break;
      this.#due = this.#due.filter((other) => other !== next);
      this.#now = next.at;
      next.call();
    }
    this.#now = until;
  }
}

describe('a status of who is writing', () => {
  it('says it as RFC 3994 does in its example', () => {
    expect(
      readComposing(
        Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>
          <isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing">
            <state>idle</state><lastactive>2003-01-27T10:43:00Z</lastactive><contenttype>audio</contenttype>
          </isComposing>`),
      ),
    ).toEqual({ state: 'idle', lastActive: new Date('2003-01-27T10:43:00Z'), contentType: 'audio' });
  });

  it('is idle in any word but active', () => {
    const of = (state: string) =>
      readComposing(
        Buffer.from(
          `<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>${state}</state></isComposing>`,
        ),
      );
    expect(of('active')).toEqual({ state: 'active' });
    expect(of('thinking')).toEqual({ state: 'idle' });
  });

  it.each(['', '<isComposing/>', '<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"/>'])(
    'is none: %s',
    (text) => {
      expect(readComposing(Buffer.from(text))).toEqual({ fault: expect.any(String) });
    },
  );

  it('reads back as it was written', () => {
    const composing = fc.record(
      {
        state: fc.constantFrom('active' as const, 'idle' as const),
        contentType: fc.constantFrom('text/plain', 'audio'),
        lastActive: fc.date({ min: new Date(0), max: new Date('2090-01-01'), noInvalidDate: true }),
        refreshSeconds: fc.integer({ min: 1, max: 100_000 }),
      },
      { requiredKeys: ['state'] },
    );
    fc.assert(
      fc.property(composing, (written: Composing) => {
        expect(readComposing(writeComposing(written))).toEqual(written);
      }),
      { numRuns: 100 },
    );
  });
});

describe('whoever writes', () => {
  const sending = (): { hands: Hands; told: string[]; sender: ComposingSender } => {
    const hands = new Hands();
    const told: string[] = [];
    const sender = new ComposingSender({ after: hands.after, tell: ({ state }) => told.push(state) });
    return { hands, told, sender };
  };

  it('tells it once, however much they type, and that they paused', () => {
    const { hands, told, sender } = sending();
    for (let n = 0; n < 6; n++) {
      sender.typing(true);
      hands.pass(10);
    }
    expect(told).toEqual(['active']);
    hands.pass(6);
    expect(told).toEqual(['active', 'idle']);
    sender.typing(false);
    expect(told).toEqual(['active', 'idle']);
    expect(hands.waiting).toBe(0);
  });

  it('tells it again while they go on, before it would no longer hold', () => {
    const { hands, told, sender } = sending();
    for (let n = 0; n < 24; n++) {
      sender.typing(true);
      hands.pass(5);
    }
    expect(told).toEqual(['active', 'active']);
  });

  it('tells no pause when the message is sent', () => {
    const { hands, told, sender } = sending();
    sender.typing(true);
    sender.spoke();
    hands.pass(600);
    expect(told).toEqual(['active']);
    sender.typing(true);
    sender.typing(false);
    expect(told).toEqual(['active', 'active', 'idle']);
  });

  it('announces for how long it holds, a minute at least', () => {
    const told: Composing[] = [];
    const sender = new ComposingSender({
      after: new Hands().after,
      tell: (composing) => told.push(composing),
      refreshMs: 1_000,
    });
    sender.typing(true);
    expect(told).toEqual([{ state: 'active', contentType: 'text/plain', refreshSeconds: 60 }]);
  });
});

describe('whoever is told', () => {
  const receiving = (): { hands: Hands; told: boolean[]; receiver: ComposingReceiver } => {
    const hands = new Hands();
    const told: boolean[] = [];
    const receiver = new ComposingReceiver({ after: hands.after, tell: (active) => told.push(active) });
    return { hands, told, receiver };
  };

  it('takes it for as long as it was said to hold', () => {
    const { hands, told, receiver } = receiving();
    receiver.take({ state: 'active', refreshSeconds: 60 });
    hands.pass(59);
    expect(told).toEqual([true]);
    receiver.take({ state: 'active', refreshSeconds: 60 });
    hands.pass(59);
    expect(told).toEqual([true]);
    hands.pass(2);
    expect(told).toEqual([true, false]);
  });

  it('takes it for two minutes where nothing was said, and never for days', () => {
    const { hands, told, receiver } = receiving();
    receiver.take({ state: 'active' });
    hands.pass(119);
    expect(told).toEqual([true]);
    hands.pass(2);
    expect(told).toEqual([true, false]);
    receiver.take({ state: 'active', refreshSeconds: 999_999_999 });
    hands.pass(3_601);
    expect(told).toEqual([true, false, true, false]);
  });

  it('takes it to be over with idle, and with a message', () => {
    const { hands, told, receiver } = receiving();
    receiver.take({ state: 'active' });
    receiver.take({ state: 'idle' });
    receiver.take({ state: 'active' });
    receiver.spoke();
    receiver.spoke();
    expect(told).toEqual([true, false, true, false]);
    expect(hands.waiting).toBe(0);
  });
});
