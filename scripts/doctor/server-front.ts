// What stands in front of a server, or in its place: the answers that are not those of the gate.
//
// Bot protection, Cloudflare Access, a redirect, a Worker that does not start or is not there. Told apart by status, by
// Cloudflare's own headers and pages, and by the bodies that http/router.ts writes.

import type { Config } from '../../src/config.ts';
import type { Answer } from './ask.ts';
import { error, type Finding, shown } from './finding.ts';

/** An answer of Cloudflare's bot protection or firewall, or of another one that answers pages instead of JSON. */
export function isBlocked({ status, headers, text }: Answer): boolean {
  if (headers.has('cf-mitigated')) return true;
  const isPage = /^text\/html/i.test(headers.get('content-type') ?? '');
  const isCloudflares =
    /cloudflare/i.test(headers.get('server') ?? '') || /cloudflare|cf-(error|chl)/i.test(text);
  return [403, 429, 503].includes(status) && isPage && isCloudflares;
}

export const blocked = (url: string, who: string): Finding =>
  error(
    'server.bot-protection',
    `${url} is shielded from ${who} by bot protection or a firewall rule (a Cloudflare page, not this server)`,
    'MCP clients call from data centres, as programs, and cannot solve challenges: they report that the server is down or refuses them.',
    'Exempt the path of RESOURCE: a WAF custom rule with the action Skip for the host and path, including Bot Fight Mode, "Block AI bots" and managed rules. From other addresses than yours it may be stricter still.',
  );

/** What is wrong when it is not the gate that answered; `undefined` when it is. */
export function frontFault(url: string, answer: Answer, config: Config | undefined): Finding | undefined {
  const { status, headers, json, text } = answer;
  if (isBlocked(answer)) return blocked(url, 'this program');
  if (status >= 300 && status < 400) return redirected(url, headers.get('location') ?? '');
  if (status === 500 && json?.error === 'server_error') return doesNotStart(url);
  if (status === 503 && json?.error === 'temporarily_unavailable') return cannotCheck(url);
  if (status === 403 && json?.error === 'forbidden') return otherHost(url, config);
  if (status === 403 && json?.error === 'insecure_transport') return handedOnAsHttp(url);
  if (status === 404) return notFound(url, json?.error_description);
  const code = /\b(?:error code: |Error )(1\d{3})\b/i.exec(text)?.[1];
  if (status >= 500) return failing(url, status, code);
  return undefined;
}

function redirected(url: string, location: string): Finding {
  const target = URL.parse(location, url);
  if (target?.hostname.endsWith('.cloudflareaccess.com'))
    return error(
      'server.access',
      `${url} is behind Cloudflare Access: it redirects to ${target.hostname}`,
      'Access wants a sign-in in a browser, before the Worker is asked. MCP clients do not see its 401.',
      'Take the host or path out of the Access application, or turn on its Managed OAuth and use preset = "cloudflare-access".',
    );
  return error(
    'server.redirect',
    `${url} redirects to ${shown(location) || 'nowhere'}`,
    'Clients lose the body or the token on the way, and compare `resource` with the URL they were given.',
    `Give clients the URL that answers itself, and set RESOURCE to it: ${shown(target?.href ?? location)}, without a slash at the end.`,
  );
}

const doesNotStart = (url: string): Finding =>
  error(
    'server.misconfigured',
    `${url} answers 500: the Worker is misconfigured or fails`,
    'It says nothing to callers, and everything to its log.',
    'Look into the log: `npx wrangler tail` (with --env if you use one), then send a request. config_invalid names each setting that is wrong; after that request_failed has the exception.',
  );

const cannotCheck = (url: string): Finding =>
  error(
    'server.unavailable',
    `${url} answers 503: it cannot check who may enter`,
    "KV or the PolicyRegistry cannot be reached, or an issuer's keys cannot be had.",
    'Look into the log (`npx wrangler tail`) for policy_failed, kv_failed or issuer_keys_failed, and at https://www.cloudflarestatus.com.',
  );

function otherHost(url: string, config: Config | undefined): Finding {
  const { host } = new URL(url);
  const resource = config && config.resource !== url ? ` RESOURCE is ${config.resource} here.` : '';
  return error(
    'server.host',
    `${url}: the server does not answer under the host ${host}`,
    `It is deployed with a RESOURCE on another host, and refuses this one (DNS rebinding).${resource}`,
    `Use the host of its RESOURCE, or set RESOURCE to ${url}; a further host goes into ALLOWED_HOSTS.`,
  );
}

function handedOnAsHttp(url: string): Finding {
  const isHttps = new URL(url).protocol === 'https:';
  return error(
    'server.insecure-transport',
    isHttps
      ? `${url}: what is in front hands requests on to the Worker with an http URL: a tunnel, a Service Binding or a proxy`
      : `${url} is http, and RESOURCE is https there`,
    'A token that came over http was there for everyone on the way to read, so where RESOURCE is https the Worker refuses the request before it looks at the token.',
    isHttps
      ? 'Have it keep the scheme. A tunnel to `wrangler dev`: start that with --upstream-protocol https. A Worker that calls this one by a Service Binding: fetch(new Request(url, request)) with an https url. A proxy: let it call https.'
      : `Give clients ${url.replace(/^http:/, 'https:')}.`,
  );
}

function notFound(url: string, description: unknown): Finding {
  const ours = /^The MCP endpoint is (\S+)$/.exec(typeof description === 'string' ? description : '')?.[1];
  return error(
    'server.not-found',
    ours
      ? `${url}: the server is there, but its MCP endpoint is ${shown(ours)}`
      : `${url} answers 404: nothing is served there`,
    'Clients that were given this URL end here.',
    ours
      ? `Give clients ${shown(ours)}, or set RESOURCE to the URL they use.`
      : 'Look at host and path. If they are right, no route leads to the Worker: deploy it, and add its custom domain.',
  );
}

function failing(url: string, status: number, code: string | undefined): Finding {
  const isOrigin = status >= 520 && status <= 530;
  return error(
    'server.failing',
    `${url} answers ${status}${code ? ` (Cloudflare error ${code})` : ''}`,
    isOrigin
      ? 'Cloudflare looks for a server behind the host name and finds none: no route leads from it to the Worker.'
      : 'The Worker fails before it can answer, or something before it does.',
    isOrigin
      ? 'Add the host as a custom domain of the Worker, in place of a DNS record that leads elsewhere.'
      : 'Look into the log: `npx wrangler tail`, then send a request.',
  );
}
