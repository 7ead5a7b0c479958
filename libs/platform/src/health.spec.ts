import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Health, type Finding } from './health.js';

describe('health', () => {
  let health: Health;
  beforeEach(() => {
    health = new Health();
  });
  const register = (name: string, finding: Finding) => {
    health.register(name, () => Promise.resolve(finding));
  };

  it('is well where nothing says otherwise', async () => {
    expect(await health.report()).toEqual({ status: 'ok', checks: {} });
  });

  it('is as bad as its worst check, and tells each', async () => {
    register('a', { status: 'ok' });
    register('b', { status: 'degraded', why: 'slow' });
    expect(await health.report()).toEqual({
      status: 'degraded',
      checks: { a: { status: 'ok' }, b: { status: 'degraded', why: 'slow' } },
    });
    register('c', { status: 'down', why: 'gone' });
    expect((await health.report()).status).toBe('down');
  });

  it('takes a check that throws for down, and says nothing of the error', async () => {
    health.register('a', () => Promise.reject(new Error('hush')));
    health.register('b', () => {
      throw new Error('hush');
    });
    const down = { status: 'down', why: 'the check failed' };
    expect(await health.report()).toEqual({ status: 'down', checks: { a: down, b: down } });
  });

  it('does not wait for a check that hangs', async () => {
    jest.useFakeTimers();
    try {
      health.register('a', () => new Promise(() => undefined));
      const report = health.report();
      await jest.advanceTimersByTimeAsync(2_500);
      expect(await report).toEqual({
        status: 'down',
        checks: { a: { status: 'down', why: 'no answer in time' } },
      });
    } finally {
      jest.useRealTimers();
    }
  });

  it('is down while shutting down, whatever the checks say', async () => {
    register('a', { status: 'ok' });
    health.stopping();
    expect(await health.report()).toEqual({
      status: 'down',
      checks: { a: { status: 'ok' }, process: { status: 'down', why: 'shutting down' } },
    });
  });

  it('refuses two checks of one name', () => {
    register('a', { status: 'ok' });
    expect(() => {
      register('a', { status: 'ok' });
    }).toThrow('already called a');
  });
});
