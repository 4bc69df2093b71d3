// A hub to be filled. POST /listen: how many listen for each of some owners; then something is published, and each says
// whether it heard of it. Whoever was dropped did not.

import { notificationHub } from '../../src/objects.ts';

export { ClientSession, DecisionLog, NotificationHub, PolicyRegistry } from '../../src/worker.ts';

const PLACEMENT = { objectJurisdiction: undefined, objectLocationHint: undefined };

export default {
  async fetch(request, env) {
    const owners = (await request.json()) as readonly (readonly [owner: string, count: number])[];
    const hub = notificationHub(env, 0, PLACEMENT);
    const listening: { owner: string; reader: ReadableStreamDefaultReader<Uint8Array> }[] = [];
    for (const [owner, count] of owners) {
      for (let number = 0; number < count; number += 1) {
        const reader = ((await hub.listen(['tools'], owner)) as ReadableStream<Uint8Array>).getReader();
        await reader.read();
        listening.push({ owner, reader });
      }
    }
    await hub.publish('tools');
    const heard = await Promise.all(
      listening.map(async ({ owner, reader }) => {
        const isHeard = await reader.read().then(
          ({ done }) => !done,
          () => false,
        );
        await reader.cancel().catch(() => {});
        return [owner, isHeard] as const;
      }),
    );
    return Response.json(heard);
  },
} satisfies ExportedHandler<Env>;
