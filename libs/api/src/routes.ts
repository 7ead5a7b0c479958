import { accountRoutes } from './routes/accounts.js';
import { callRoutes } from './routes/calls.js';
import { conversationRoutes } from './routes/conversations.js';
import { eventRoutes } from './routes/events.js';
import { fileRoutes } from './routes/files.js';
import { messageRoutes } from './routes/messages.js';
import { meteringRoutes } from './routes/metering.js';
import { peopleRoutes } from './routes/people.js';
import { rosterRoutes } from './routes/roster.js';

/** Every route of the API by its name. What is not here does not exist. */
export const routes = {
  ...peopleRoutes,
  ...accountRoutes,
  ...rosterRoutes,
  ...conversationRoutes,
  ...messageRoutes,
  ...fileRoutes,
  ...callRoutes,
  ...meteringRoutes,
  ...eventRoutes,
} as const;

export type Routes = typeof routes;
export type RouteName = keyof Routes;
