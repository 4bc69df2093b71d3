// subscriptions/listen: one stream with the changes a client wants to hear of (MCP 2026-07-28, basic/patterns/subscriptions).
//
// The first message says which of them it will hear of. The stream ends with a result when the caller may not have it any
// more, when what it may hear of has changed or when the stream gets too old: the client asks again. Notifications come
// from the hub as topics, one per line; and the lists also change for a caller whose permissions do.

import type { Requirement } from '../../policy/authorize.ts';
import { isRecord } from '../../shapes.ts';
import type { Catalogue } from '../catalogue.ts';
import { type Failure, failure, INVALID_PARAMS, type RequestMessage } from '../message.ts';
import { EventStream, event, type StreamLimits, supervise } from '../sse.ts';
import { forwardTopics, honoured, isSame, notificationOf, resourceTopic, type Topic } from '../topics.ts';

/** What a listener may leave unread: far more than a client that reads ever has. */
const MAX_UNREAD_BYTES = 65_536;

export interface ListenContext {
  readonly catalogue: Catalogue;
  readonly limits: StreamLimits;
  mayUse(requirement: Requirement): boolean;
  /** The caller's permissions when it came. */
  readonly permissions: ReadonlySet<string>;
  /** Its permissions now; `undefined` when it may not have the stream any more. */
  standing(): Promise<ReadonlySet<string> | undefined>;
  onEnd(): void;
  /** Topics, one per line, as they are published. Cancelled when the stream ends. */
  open(topics: readonly Topic[]): Promise<ReadableStream<Uint8Array>>;
  /** `result` of the response that ends the stream, without `_meta`. */
  wrapResult(meta: Readonly<Record<string, unknown>>): string;
}

export async function listen(
  { id, params }: RequestMessage,
  context: ListenContext,
): Promise<ReadableStream<Uint8Array> | Failure> {
  if (!isRecord(params.notifications))
    return failure(200, INVALID_PARAMS, 'notifications must be an object', id);
  const { filter, lists, uris } = honoured(params.notifications, context.catalogue, context.mayUse);
  const resources = new Map<Topic, string>();
  for (const uri of uris) resources.set(await resourceTopic(uri), uri);
  // Before the acknowledgement: what happens after it is heard.
  const source = (await context.open([...lists, ...resources.keys()])).getReader();

  const _meta = { 'io.modelcontextprotocol/subscriptionId': id };
  const send = (method: string, rest: Readonly<Record<string, unknown>>) =>
    stream.write(event(JSON.stringify({ jsonrpc: '2.0', method, params: { ...rest, _meta } })));
  const tell = (topic: Topic) => {
    const { method, params: rest } = notificationOf(topic, resources.get(topic));
    send(method, rest);
  };
  const stream = new EventStream(() => {
    stopSupervision();
    context.onEnd();
    void source.cancel().catch(() => {});
  }, MAX_UNREAD_BYTES);
  const end = () => {
    stream.write(event(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":${context.wrapResult(_meta)}}`));
    stream.close();
  };
  let told = context.permissions;
  const mayStay = async () => {
    const permissions = await context.standing();
    if (!permissions) return false;
    if (isSame(told, permissions)) return true;
    told = permissions;
    lists.forEach(tell);
    // Which resources the caller may hear of has to be answered anew.
    return resources.size === 0;
  };
  const stopSupervision = supervise(stream, context.limits, mayStay, end);

  send('notifications/subscriptions/acknowledged', { notifications: filter });
  void forwardTopics(source, tell).finally(() => {
    // The hub went away: a clean end makes the client come back.
    if (stream.isOpen) end();
  });
  return stream.readable;
}
