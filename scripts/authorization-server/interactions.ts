// What happens when a person presses a button of the sign-in or consent page.
//
// A grant gets the scopes on the page and no others. What was allowed before is not asked again, except for
// native clients: anybody can pretend to be one (RFC 8252 section 8.6), so the library asks every time.
// Against forged requests: the form's address has an unguessable id that must match a SameSite=Lax cookie.
// Does not check who somebody is: there are no passwords here.

import { text } from 'node:stream/consumers';
import type Provider from 'oidc-provider';
import { errors, type InteractionResults } from 'oidc-provider';
import { SCOPES, USERS } from './accounts.ts';
import { consentPage, errorPage, type Page, show, signInPage } from './pages.ts';

type Interaction = Awaited<ReturnType<Provider['interactionDetails']>>;
type Middleware = Parameters<Provider['use']>[0];

const PATH = '/interaction/';

export function interactionUrl(_ctx: unknown, interaction: { readonly uid: string }): string {
  return PATH + interaction.uid;
}

/** Serves the pages of one provider's interactions. */
export function interactions(provider: Provider): Middleware {
  return async (ctx, next) => {
    if (!ctx.path.startsWith(PATH)) return next();
    try {
      const interaction = await provider.interactionDetails(ctx.req, ctx.res);
      if (ctx.method === 'POST') {
        const form = new URLSearchParams(await text(ctx.req));
        const result = await decide(provider, interaction, form);
        const returnTo = await provider.interactionResult(ctx.req, ctx.res, result, {
          mergeWithLastSubmission: 'consent' in result,
        });
        ctx.status = 303;
        ctx.redirect(returnTo);
      } else {
        show(ctx, await pageFor(provider, interaction, ctx.querystring === 'switch'));
      }
    } catch (error) {
      if (!(error instanceof errors.OIDCProviderError)) throw error;
      ctx.status = error.statusCode;
      show(ctx, errorPage(error.error, error.error_description));
    }
  };
}

async function pageFor(provider: Provider, interaction: Interaction, isSwitch: boolean): Promise<Page> {
  const { params, prompt, session } = interaction;
  const action = interactionUrl(undefined, interaction);
  const clientId = String(params.client_id);
  const client = await provider.Client.find(clientId);
  const clientName = client?.clientName ?? clientId;
  if (prompt.name === 'login' || isSwitch || !session) return signInPage(action, clientName);

  const missing = missingScopes(interaction);
  const scopes = String(params.scope ?? '')
    .split(' ')
    .filter((scope) => Object.hasOwn(SCOPES, scope));
  return consentPage({
    action,
    switchUser: `${action}?switch`,
    user: session.accountId,
    clientId,
    clientName,
    redirectUri: typeof params.redirect_uri === 'string' ? params.redirect_uri : undefined,
    resources: [params.resource ?? []].flat().map(String),
    scopes,
    newScopes: scopes.filter((scope) =>
      [missing.openid, ...Object.values(missing.resources)].some((list) => list.includes(scope)),
    ),
  });
}

async function decide(
  provider: Provider,
  interaction: Interaction,
  form: URLSearchParams,
): Promise<InteractionResults> {
  const user = form.get('user');
  if (user !== null && Object.hasOwn(USERS, user)) return { login: { accountId: user } };

  const decision = form.get('decision');
  if (decision === 'deny') {
    return { error: 'access_denied', error_description: 'the person at the browser said no' };
  }
  const { prompt, session } = interaction;
  if (decision !== 'allow' || prompt.name !== 'consent' || session?.accountId !== form.get('account')) {
    throw new errors.InvalidRequest('this is not an answer to the page');
  }
  const known =
    interaction.grantId === undefined ? undefined : await provider.Grant.find(interaction.grantId);
  const grant =
    known ??
    new provider.Grant({
      accountId: session.accountId,
      clientId: String(interaction.params.client_id),
    });
  const missing = missingScopes(interaction);
  if (missing.openid.length > 0) grant.addOIDCScope(missing.openid.join(' '));
  for (const [resource, scopes] of Object.entries(missing.resources)) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  return { consent: { grantId: await grant.save() } };
}

interface MissingScopes {
  readonly openid: readonly string[];
  readonly resources: Readonly<Record<string, readonly string[]>>;
}

/** What the consent is about. The types leave `details` open; the library's consent prompt fills it so. */
function missingScopes({ prompt }: Interaction): MissingScopes {
  const details = prompt.details as {
    missingOIDCScope?: readonly string[];
    missingResourceScopes?: Readonly<Record<string, readonly string[]>>;
  };
  return { openid: details.missingOIDCScope ?? [], resources: details.missingResourceScopes ?? {} };
}
