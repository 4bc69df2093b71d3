// Each authorization server of the configuration, as the network shows it.
//
// Two who look at it: the Worker, which wants keys from the issuer that tokens name, and clients, which want to sign in
// where the protected resource metadata sends them (`advertise`). Usually that is one URL, and it is asked once.

import { scopesToAskFor } from '../../src/auth/challenge.ts';
import type { AuthorizationServer, Config } from '../../src/config.ts';
import type { Ask } from './ask.ts';
import { checkBrowserClients } from './browser-clients.ts';
import { checkClock } from './clock.ts';
import { type Finding, ok } from './finding.ts';
import { checkIntrospection } from './introspection.ts';
import { checkKeys, slow } from './keys.ts';
import { findMetadata, type Metadata } from './metadata.ts';
import { checkContent } from './metadata-content.ts';
import { checkProduct } from './products.ts';

/** `proven`: an issuer of which a token was accepted, so what its product is known for is no trouble here. */
export async function checkAuthorizationServers(
  config: Config,
  proven: string | undefined,
  ask: Ask,
): Promise<Finding[]> {
  const checked = await Promise.all(
    config.authorizationServers.map((server) => checkServer(server, config, proven, ask)),
  );
  return checked.flat();
}

async function checkServer(
  server: AuthorizationServer,
  config: Config,
  proven: string | undefined,
  ask: Ask,
): Promise<Finding[]> {
  const { issuers, jwksUri } = server;
  const places = [...new Set([...issuers, ...forClients(server)])].filter((place) => URL.canParse(place));
  const checked = await Promise.all(
    places.map((place) => checkPlace(place, place === places[0], server, config, ask)),
  );
  // Names without a URL of their own (a project's, say) have their keys at jwksUri, which is then asked by itself.
  const nameless =
    jwksUri !== undefined && places.length === 0
      ? await checkKeys(issuers[0] ?? '', server, undefined, config, ask)
      : [];
  const product =
    proven !== undefined && issuers.includes(proven) ? [] : checkProduct(server, config.resource);
  return [...checked.flat(), ...nameless, ...(await checkIntrospection(server, ask)), ...product];
}

async function checkPlace(
  place: string,
  isFirst: boolean,
  server: AuthorizationServer,
  config: Config,
  ask: Ask,
): Promise<Finding[]> {
  const isForClients = forClients(server).includes(place);
  const isIssuer = server.issuers.includes(place);
  const isNeededForKeys = isIssuer && server.jwksUri === undefined && hasJwts(server);
  const { metadata, findings } =
    isForClients || isNeededForKeys
      ? await findMetadata(place, isNeededForKeys, ask)
      : { metadata: undefined, findings: [] };
  // A configured jwksUri is the same for all names.
  const hasKeys = isIssuer && hasJwts(server) && (isFirst || server.jwksUri === undefined);
  const keys = hasKeys ? await checkKeys(place, server, metadata, config, ask) : [];
  if (!metadata) return [...findings, ...keys];
  return [
    ...findings,
    ...keys,
    ...(isNeededForKeys ? slow(place, metadata.answer, config) : []),
    ...checkClock(place, 'issues tokens', metadata.answer, config),
    ...(isForClients
      ? await checkForClients(place, server, metadata, config, ask)
      : [ok('issuer.unadvertised', `${place}: clients are not told of it`)]),
  ];
}

/** Some kinds of introspection are of servers whose access tokens are never JWTs: their keys are not looked at. */
const hasJwts = ({ introspection }: AuthorizationServer): boolean =>
  introspection === undefined || introspection.kind === 'rfc7662';

/** Where clients find its metadata; of a copy under another name (`mirror`) the original counts. */
const forClients = ({ mirror, advertised }: AuthorizationServer): readonly string[] =>
  mirror?.name === undefined ? advertised : [mirror.source];

async function checkForClients(
  place: string,
  { mirror }: AuthorizationServer,
  metadata: Metadata,
  config: Config,
  ask: Ask,
): Promise<Finding[]> {
  const wanted = {
    resource: config.resource,
    scopes: scopesToAskFor(config.scopesSupported, config),
    isOneOfSeveral: config.authorizationServers.flatMap(({ advertised }) => advertised).length > 1,
    isMirrored: mirror?.name !== undefined,
    isAuthTimeNeeded: config.adminMaxAuthAgeSeconds > 0,
  };
  return [
    ...checkContent(place, metadata.document, wanted),
    ...(await checkBrowserClients(place, metadata, ask)),
  ];
}
