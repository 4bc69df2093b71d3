// A client ID metadata document, served for as long as a demonstration or a test takes.
//
// Clients name it with an https URL; the local authorization server reads https://localhost over http, since nobody has
// a certificate for it.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ClientMetadata extends AsyncDisposable {
  /** The URL of the document, which is the client's id. */
  readonly clientId: string;
}

export async function serveClientMetadata(redirectUrl: string): Promise<ClientMetadata> {
  let clientId = '';
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        client_id: clientId,
        client_name: 'Client with a metadata document',
        redirect_uris: [redirectUrl],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'none',
      }),
    );
  }).listen(0, 'localhost');
  await once(server, 'listening');
  clientId = `https://localhost:${(server.address() as AddressInfo).port}/client.json`;
  const close = async () => {
    server.close();
    server.closeAllConnections();
  };
  return { clientId, [Symbol.asyncDispose]: close };
}
