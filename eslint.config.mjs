import boundaries from 'eslint-plugin-boundaries';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import importX from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

/*
 * The import law. One line per room: the rooms it may call, and the packages it may import.
 * `node:` is Node's own library. A room or package that is not written here is refused.
 */
const node = 'node:*';
const nest = ['@nestjs/*', 'rxjs'];
const staircase = [
  'files',
  'audit',
  'accounts',
  'metering',
  'roster',
  'conversations',
  'delivery',
  'sessions',
  'calls',
  'streams',
];
const connectors = {
  irc: ['irc-framework'],
  xmpp: ['@xmpp/xml', 'saxes'],
  sms: ['libphonenumber-js'],
  sip: [],
  loopback: [],
};
/** Stand-alone: each may be published as it is. */
const protocols = { 'protocols/smpp': [], 'protocols/sip': ['saxes'] };
const protocolRooms = Object.keys(protocols);

/** What one step of the staircase needs besides Node and Nest. */
const own = {
  files: ['fastify'],
  conversations: ['fastify'],
  metering: ['fastify'],
  sessions: ['fastify'],
  calls: ['fastify'],
  streams: ['ws', 'fastify'],
  accounts: ['@node-rs/argon2', 'ajv', 'ajv-formats', 'fastify', 'ipaddr.js', 'rate-limiter-flexible'],
};

const floor = ['model', 'platform', 'bus', 'connector', 'api'];
const rooms = {
  model: { rooms: [], packages: [] },
  'embedded-postgres': { rooms: [], packages: [node, 'pg', '@electric-sql/*'] },
  ...Object.fromEntries(
    Object.entries(protocols).map(([name, packages]) => [name, { rooms: [], packages: [node, ...packages] }]),
  ),
  platform: {
    rooms: ['model', 'embedded-postgres'],
    packages: [node, ...nest, 'pg', '@prisma/*', 'pino', 'pino-pretty', 'prom-client', 'zod'],
  },
  bus: { rooms: ['model', 'platform'], packages: [node, ...nest, 'pg', 'bullmq', 'ioredis'] },
  connector: { rooms: ['model'], packages: [] },
  'connector/session': { rooms: ['model', 'connector'], packages: [node] },
  'embedded-postgres/testing': { rooms: ['peers'], packages: [node, '@jest/globals', 'pg'] },
  'platform/testing': {
    rooms: ['model', 'embedded-postgres', 'platform', 'peers'],
    packages: [node, '@jest/globals', 'pg'],
  },
  'connector/testing': { rooms: ['model', 'connector', 'peers'], packages: [node, '@jest/globals'] },
  'connectors/irc/testing': {
    rooms: ['model', 'connector', 'connector/testing', 'connectors/irc', 'peers'],
    packages: [node],
  },
  'connectors/xmpp/testing': {
    rooms: ['model', 'connector', 'connector/testing', 'connectors/xmpp', 'peers'],
    packages: [node],
  },
  'connectors/sms/testing': {
    rooms: [
      'model',
      'connector',
      'connector/testing',
      'connectors/sms',
      'peers',
      'sandbox',
      ...protocolRooms,
    ],
    packages: [node, '@jest/globals'],
  },
  'connectors/sip/testing': {
    rooms: [
      'model',
      'connector',
      'connector/testing',
      'connectors/sip',
      'peers',
      'sandbox',
      ...protocolRooms,
    ],
    packages: [node],
  },
  'files/testing': { rooms: ['files', 'peers'], packages: [node, '@jest/globals'] },
  'accounts/testing': { rooms: [...floor, 'files', 'audit', 'accounts'], packages: [node, ...nest] },
  peers: { rooms: [], packages: [node, '@jest/globals'] },
  sandbox: { rooms: [...protocolRooms], packages: [node] },
  demo: { rooms: ['model', 'api', 'sandbox'], packages: [node, 'ws'] },
  api: { rooms: ['model'], packages: ['zod'] },
  ...Object.fromEntries(
    Object.entries(connectors).map(([name, packages]) => [
      `connectors/${name}`,
      { rooms: ['model', 'connector', 'connector/session', ...protocolRooms], packages: [node, ...packages] },
    ]),
  ),
  ...Object.fromEntries(
    staircase.map((name, step) => [
      name,
      { rooms: [...floor, ...staircase.slice(0, step)], packages: [node, ...nest, ...(own[name] ?? [])] },
    ]),
  ),
  server: {
    rooms: [...floor, ...staircase, ...Object.keys(connectors).map((name) => `connectors/${name}`)],
    packages: [node, ...nest, '@fastify/*', 'fastify', 'reflect-metadata', 'ws'],
  },
};
const folder = (room) =>
  room === 'server'
    ? 'apps/server'
    : ['peers', 'sandbox', 'demo'].includes(room)
      ? `tools/${room}`
      : /\/(testing|session)$/.test(room)
        ? `libs/${room}`
        : `libs/${room}/src`;

const law = [
  ...Object.entries(rooms).flatMap(([room, may]) => [
    {
      from: { element: { type: room } },
      allow: { to: { element: { types: { anyOf: may.rooms } }, file: { categories: 'door' } } },
    },
    {
      from: { element: { type: room } },
      allow: { to: { module: { origin: ['external', 'core'], source: may.packages } } },
    },
  ]),
  // A spec, or a fixture of specs, may also use the conformance kit, the test runner and whatever its subject is made of.
  {
    from: { file: { categories: 'spec' } },
    allow: {
      to: {
        element: {
          types: {
            anyOf: [
              'connector/testing',
              'connectors/irc/testing',
              'connectors/xmpp/testing',
              'connectors/sms/testing',
              'connectors/sip/testing',
              'embedded-postgres/testing',
              'platform/testing',
              'accounts/testing',
              'files/testing',
              'peers',
              'sandbox',
            ],
          },
        },
        file: { categories: 'door' },
      },
    },
  },
  {
    from: { file: { categories: 'spec' } },
    allow: {
      to: {
        module: {
          origin: ['external', 'core'],
          source: [node, '@jest/globals', '@nestjs/testing', 'fast-check', 'pg', 'ws'],
        },
      },
    },
  },
  {
    // The cross-checks of our codec and of our counts against others.
    from: { element: { type: 'protocols/smpp' }, file: { categories: 'spec' } },
    allow: { to: { module: { origin: ['external'], source: ['smpp', 'sms-segments-calculator'] } } },
  },
];

/** The environment is read in one place; what it says is injected. */
const noEnvironment = {
  selector: "MemberExpression[object.name='process'][property.name='env']",
  message: 'Ask the Config: only the way in of the server reads the environment.',
};
/** Rooms above the connectors know protocols as data. Capabilities say what can be done; descriptions say how it is called. */
const protocolName = `Literal[value=/^(${[...Object.keys(connectors), 'xmpp', 'sip', 'sms'].join('|')})$/]`;
const noBranchOnProtocol = {
  selector: `BinaryExpression[operator=/^[!=]==?$/] > ${protocolName}, SwitchCase > ${protocolName}`,
  message: 'Ask for a capability, not for the name of a protocol.',
};
const product = ['apps/server/src', 'libs/*/src', 'libs/connector/session', 'libs/connectors/*/src'].map(
  (folder) => `${folder}/**/*.ts`,
);

export default tseslint.config(
  { ignores: ['**/dist/', '**/generated/', 'data/'] },
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  {
    files: ['apps/*/src/**/*.ts', 'libs/**/*.ts', 'tools/**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { boundaries, 'import-x': importX },
    settings: {
      'import/resolver': { typescript: { conditionNames: ['parley-source', 'types', 'import', 'default'] } },
      'import-x/resolver-next': [
        createTypeScriptImportResolver({ conditionNames: ['parley-source', 'types', 'import', 'default'] }),
      ],
      'import-x/parsers': { '@typescript-eslint/parser': ['.ts', '.tsx'] },
      'boundaries/elements': Object.keys(rooms).map((room) => ({
        type: room,
        pattern: folder(room),
        partialMatch: false,
      })),
      'boundaries/files': [
        { category: 'spec', pattern: '**/*.{spec,fixture}.ts' },
        { category: 'door', pattern: '**/index.ts' },
      ],
    },
    rules: {
      'boundaries/dependencies': [
        'error',
        { default: 'disallow', checkAllOrigins: true, checkUnknownLocals: true, policies: law },
      ],
      'boundaries/no-unknown-files': 'error',
      // What is not ours imports nothing of ours.
      'import-x/no-cycle': ['error', { ignoreExternal: true }],
      'import-x/no-unresolved': 'error',
      'no-console': 'error',
      // Nest declares its option shapes as classes.
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      // What is held by `using` does its work by being held.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreUsingDeclarations: true }],
      // A Nest module is a class with a decorator and nothing in it.
      '@typescript-eslint/no-extraneous-class': ['error', { allowWithDecorator: true }],
    },
  },
  {
    files: product,
    ignores: ['**/*.spec.ts', 'apps/server/src/main.ts'],
    rules: { 'no-restricted-syntax': ['error', noEnvironment] },
  },
  {
    files: ['bus', 'api', ...staircase].map((room) => `libs/${room}/src/**/*.ts`),
    ignores: ['**/*.spec.ts'],
    rules: { 'no-restricted-syntax': ['error', noEnvironment, noBranchOnProtocol] },
  },
);
