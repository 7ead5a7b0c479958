import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Health } from './health.js';
import { endOnSignal } from './shutdown.js';

class FakeProcess extends EventEmitter {
  readonly codes: number[] = [];
  exit(code: number): void {
    this.codes.push(code);
  }
}

describe('a process that is told to end', () => {
  let on: FakeProcess;
  let health: Health;
  let close: (error?: Error) => void;
  let closes: number;

  beforeEach(() => {
    jest.useFakeTimers();
    on = new FakeProcess();
    health = new Health();
    closes = 0;
    const app = {
      close: () => {
        closes++;
        return new Promise<void>((done, fail) => {
          close = (error) => {
            if (error === undefined) done();
            else fail(error);
          };
        });
      },
    };
    endOnSignal(app, health, on);
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  it.each(['SIGTERM', 'SIGINT'])('by %s says that it is not ready, closes and ends', async (signal) => {
    on.emit(signal, signal);
    expect((await health.report()).status).toBe('down');
    expect([closes, on.codes]).toEqual([1, []]);
    close();
    await jest.advanceTimersByTimeAsync(0);
    expect(on.codes).toEqual([0]);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(on.codes).toEqual([0]);
  });

  it('a second time ends at once', () => {
    on.emit('SIGTERM', 'SIGTERM');
    on.emit('SIGINT', 'SIGINT');
    expect([closes, on.codes]).toEqual([1, [1]]);
  });

  it('and cannot, ends after 10 s', async () => {
    on.emit('SIGTERM', 'SIGTERM');
    await jest.advanceTimersByTimeAsync(9_999);
    expect(on.codes).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(on.codes).toEqual([1]);
  });

  it('and fails at it, says so with its code', async () => {
    on.emit('SIGTERM', 'SIGTERM');
    close(new Error('stuck'));
    await jest.advanceTimersByTimeAsync(0);
    expect(on.codes).toEqual([1]);
  });

  it.each(['uncaughtException', 'unhandledRejection'])(
    'by an error that nobody caught (%s) ends at once',
    (event) => {
      on.emit(event, new Error('boom'));
      expect([closes, on.codes]).toEqual([0, [1]]);
    },
  );
});
