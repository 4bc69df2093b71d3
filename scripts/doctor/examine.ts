// Everything the doctor looks at, in its order: configuration, authorization servers, the deployed server, the token.
//
// The token is verified first of all, because what is known to go wrong with a product need not be told when it goes right.

import { isLoopback } from '../../src/config.ts';
import type { Ask } from './ask.ts';
import { checkAuthorizationServers } from './authorization-servers.ts';
import { checkBindings } from './bindings.ts';
import { checkSettings } from './configuration.ts';
import { type Finding, warning } from './finding.ts';
import { checkOffers } from './offers.ts';
import { checkServer } from './server.ts';
import { type Flags, setUp } from './setup.ts';
import { examineToken } from './token.ts';
import { checkTokenAtServer } from './token-at-server.ts';

export async function examine(flags: Flags, token: string | undefined, ask: Ask): Promise<Finding[]> {
  const { url } = flags;
  const setup = await setUp(flags, ask);
  const { app, file, isGuessed } = setup;
  const { config, findings: settings } = checkSettings(setup);
  const local = token !== undefined && config ? await examineToken(token, config, app) : undefined;
  const findings = [
    ...setup.findings,
    ...settings,
    ...(file ? checkBindings(file.bindings, isGuessed ? undefined : config?.resource) : []),
    ...(app && config ? checkOffers(app, config) : []),
    ...(config ? await checkAuthorizationServers(config, local?.principal?.issuer, ask) : []),
  ];
  const server = url === undefined ? [] : await checkServer({ url, config, isGuessed }, ask);
  findings.push(...server);
  if (token === undefined) return findings;

  const isSent = url !== undefined && mayHaveIt(url, server) && local?.isSendable !== false;
  const remote = isSent ? await checkTokenAtServer(url, token, local, ask) : [];
  const verdict = [...(local?.findings ?? []), ...remote];
  if (verdict.length === 0) return [...findings, notJudged()];
  return [...findings, ...(isGuessed ? verdict.map(forgiven(remote)) : verdict)];
}

/** A token goes to the server it is for and to nobody else: it has to ask for one, under this URL, and not in the clear. */
function mayHaveIt(url: string, server: readonly Finding[]): boolean {
  const { protocol, hostname } = new URL(url);
  const asks = server.some(({ id, level }) => id === 'server.gate' && level === 'ok');
  const isAnother = server.some(({ id, level }) => level === 'error' && IDENTITY.includes(id));
  return asks && !isAnother && (protocol === 'https:' || isLoopback(hostname));
}

/** Findings by which a server is not the one that is configured. */
const IDENTITY = ['server.challenge', 'server.metadata', 'server.resource', 'server.configuration'];

const notJudged = (): Finding =>
  warning(
    'token.not-judged',
    'the token was not looked at',
    'Without a configuration nothing can be said about it, and it is not sent to a server that is not what it should be.',
    'Put right what is said above, and run this again.',
  );

/** A configuration that was guessed knows less than the server: where the two differ, it is not the server that errs. */
const forgiven =
  (remote: readonly Finding[]) =>
  (finding: Finding): Finding =>
    finding.level === 'error' && remote.some(({ id }) => id === 'token.server-accepts')
      ? { ...finding, level: 'warning' }
      : finding;
