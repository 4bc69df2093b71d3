// Requests to the operators' API: the token, the second attempt, the answer.
//
// A request that did not get through, or a 503, is tried once more: a write carries an Idempotency-Key, so it is done once
// however often it arrives. Redirects are not followed: a token goes to the origin that was named, and nowhere else.

import { setTimeout as sleep } from 'node:timers/promises';
import { UsageError } from '../command.ts';
import type { Authentication } from '../grants.ts';
import { note } from './output.ts';
import { isNobodyThere, problemOf } from './problem.ts';
import { refusalOf, repeatHint } from './refusal.ts';
import { isLocal } from './server.ts';
import type { Credential } from './sign-in.ts';

export interface ApiRequest {
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ApiAnswer<T> {
  readonly status: number;
  readonly headers: Headers;
  /** The shape of a good answer is taken on trust. */
  readonly body: T;
}

export interface Api {
  /** `path` is what follows /admin. @throws {Refusal} */
  request<T>(method: string, path: string, request?: ApiRequest): Promise<ApiAnswer<T>>;
}

const TIMEOUT_MS = 30_000;
const LONGEST_WAIT_SECONDS = 10;

/** A name as a part of a path. The path `/roles/..` would be another one than that of a role called `..`. */
export function segment(name: string): string {
  if (name === '' || name === '.' || name === '..')
    throw new UsageError(`${JSON.stringify(name)} cannot be a name`);
  return encodeURIComponent(name);
}

export function createApi(resource: string, credential: Credential): Api {
  const { origin } = new URL(resource);

  async function attempt(method: string, url: string, { body, headers }: ApiRequest): Promise<Received> {
    const response = await fetch(url, {
      method,
      headers: {
        accept: 'application/json',
        authorization: `Bearer ${await credential.token()}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  }

  /** Twice at most. */
  async function attemptTwice(method: string, url: string, request: ApiRequest): Promise<Received> {
    // What goes wrong while signing in is not a problem of this server, and is not tried again.
    await credential.token();
    const first = await attempt(method, url, request).catch((error: unknown) => ({ error }));
    const isFinal = !('error' in first) && first.status !== 503;
    if (isFinal) return first;
    const retryAfter = 'error' in first ? Number.NaN : Number(first.headers.get('retry-after') ?? Number.NaN);
    const seconds = Number.isNaN(retryAfter) ? 1 : Math.min(retryAfter, LONGEST_WAIT_SECONDS);
    note(`${'error' in first ? problemOf(first.error) : 'temporarily unavailable'}; trying once more`);
    await sleep(seconds * 1_000);
    try {
      return await attempt(method, url, request);
    } catch (error) {
      const hint = isNobodyThere(error) && isLocal(resource) ? ': run `npm start` first' : '';
      throw new Error(
        `${origin} cannot be reached (${problemOf(error)})${hint}\n  ${repeatHint(request)}`.trimEnd(),
      );
    }
  }

  return {
    async request<T>(method: string, path: string, request: ApiRequest = {}) {
      const given = Object.entries(request.query ?? {}).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      );
      const query = new URLSearchParams(given).toString();
      const url = `${origin}/admin${path}${query === '' ? '' : `?${query}`}`;
      let received = await attemptTwice(method, url, request);
      // Once for a token that is old, and once for how somebody has to have signed in.
      for (let asked = askedBy(received); asked !== undefined; asked = askedBy(received)) {
        if (!(await credential.refused(asked.authentication))) break;
        note(
          asked.authentication
            ? 'the server wants a sign-in that is not so long ago; signing in again'
            : 'the token of an earlier sign-in is not accepted any more; signing in again',
        );
        received = await attemptTwice(method, url, request);
      }
      const { status, headers, text } = received;
      const body = jsonOf(text);
      if (status >= 200 && status < 300 && body !== undefined) return { status, headers, body: body as T };
      if (status === 401 || status === 403) await credential.refused();
      throw refusalOf({ status, body, request, credential, resource });
    },
  };
}

interface Received {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Of a 401: how somebody has to have signed in, where it is about that (RFC 9470 section 3). */
function askedBy({
  status,
  headers,
}: Received): { readonly authentication: Authentication | undefined } | undefined {
  if (status !== 401) return undefined;
  const challenge = headers.get('www-authenticate') ?? '';
  const parameter = (name: string): string | undefined =>
    new RegExp(`[ ,]${name}="([^"\\\\]*)"`).exec(challenge)?.[1];
  if (parameter('error') !== 'insufficient_user_authentication') return { authentication: undefined };
  const maxAge = parameter('max_age');
  return {
    authentication: {
      maxAge: maxAge !== undefined && /^\d{1,10}$/.test(maxAge) ? maxAge : undefined,
      acrValues: parameter('acr_values'),
    },
  };
}

function jsonOf(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
