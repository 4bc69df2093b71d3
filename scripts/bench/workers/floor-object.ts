// Floor: a token that is known, JSON, and one call of the caller's Durable Object.

import { DurableObject } from 'cloudflare:workers';
import { type FloorEnv, serve, verifyOnce } from './floor.ts';
import { noteText } from './offer.ts';

interface ObjectEnv extends FloorEnv {
  readonly NOTES: DurableObjectNamespace<Notes>;
}

export class Notes extends DurableObject<ObjectEnv> {
  read(id: string): string {
    return noteText(id);
  }
}

export default {
  fetch: (request, env) =>
    serve(request, env, verifyOnce, (id, { sub }) => env.NOTES.getByName(String(sub)).read(id)),
} satisfies ExportedHandler<ObjectEnv>;
