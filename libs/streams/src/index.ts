export { StreamsModule } from './streams.module.js';
export type { Rendering, Views } from './views.js';
