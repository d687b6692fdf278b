import type { Services } from '../services.js';

/** What a command does. `argument`: what it is about, as `manifest/commands.ts` says, checked by who takes it. */
export type Handler = (services: Services, argument: unknown) => Promise<void>;
