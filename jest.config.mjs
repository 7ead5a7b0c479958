// One run, three kinds of suite, told apart by file name. `parley-source` makes `#room` mean the TypeScript source.
const common = {
  rootDir: import.meta.dirname,
  roots: ['<rootDir>/apps/server', '<rootDir>/libs', '<rootDir>/tools'],
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['parley-source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*(?<!\\.json))\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
};

export default {
  // A machine may be busy; a test that hangs is still seen.
  testTimeout: 60_000,
  maxWorkers: 2,
  // A worker keeps the modules of every suite it has run; past this it is begun anew.
  workerIdleMemoryLimit: '1GB',
  reporters: ['default', '<rootDir>/tools/tally.mjs'],
  projects: [
    {
      ...common,
      displayName: 'unit',
      testMatch: ['**/*.spec.ts'],
      // What a session holds is measured on a heap of its own: `npm run soak`.
      testPathIgnorePatterns: [
        '\\.(conformance|peers)\\.spec\\.ts$',
        ...(process.env.PARLEY_SOAK === undefined ? ['\\.bounds\\.spec\\.ts$'] : []),
      ],
    },
    { ...common, displayName: 'conformance', testMatch: ['**/*.conformance.spec.ts'] },
    {
      ...common,
      displayName: 'peers',
      testMatch: ['**/*.peers.spec.ts'],
      // Benches, not tests: `npm run bench:sms`, `npm run bench:sip`.
      testPathIgnorePatterns:
        process.env.PARLEY_BENCH === undefined ? ['(?:sms|sip)-rates\\.peers\\.spec\\.ts$'] : [],
      setupFilesAfterEnv: ['<rootDir>/tools/peers/patience.ts'],
    },
  ],
};
