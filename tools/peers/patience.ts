import { jest } from '@jest/globals';

// Real software takes its time to start.
jest.setTimeout(120_000);
