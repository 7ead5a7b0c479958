import { describeParity } from '#embedded-postgres/testing';
import { EmbeddedPostgres } from './index.js';

describeParity('the embedded engine', () => EmbeddedPostgres.start({ dataDir: 'memory://' }));
