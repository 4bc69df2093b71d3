// Where an authorization server's metadata is, and whether it may be believed: it has to name exactly the issuer asked for.
//
// The forms are tried in the order in which the Worker tries them (auth/issuer-documents.ts); clients try the same,
// except for the last one. What a document says beyond its issuer is judged in metadata-content.ts.

import { type Answer, type Ask, isAnswer, type NoAnswer } from './ask.ts';
import { difference, error, type Finding, listed, ok, shown, warning } from './finding.ts';

/** A document that names the issuer it was asked for. */
export interface Metadata {
  readonly url: string;
  readonly answer: Answer;
  readonly document: Readonly<Record<string, unknown>>;
}

interface Form {
  readonly name: string;
  readonly url: string;
}

export function metadataForms(issuer: string): readonly Form[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  const forms = [
    { name: 'RFC 8414', url: `${origin}/.well-known/oauth-authorization-server${path}` },
    { name: 'OpenID Connect, inserted', url: `${origin}/.well-known/openid-configuration${path}` },
    { name: 'OpenID Connect', url: `${origin}${path}/.well-known/openid-configuration` },
    { name: 'RFC 8414, appended', url: `${origin}${path}/.well-known/oauth-authorization-server` },
  ];
  return forms.filter(({ url }, index) => forms.findIndex((form) => form.url === url) === index);
}

/**
 * `isNeededForKeys`: whether the Worker itself finds the issuer's keys by it, not only clients their endpoints.
 * `limits` are the Worker's.
 */
export async function findMetadata(
  issuer: string,
  isNeededForKeys: boolean,
  ask: Ask,
): Promise<{ readonly metadata: Metadata | undefined; readonly findings: readonly Finding[] }> {
  const forms = metadataForms(issuer);
  const answers = await Promise.all(
    forms.map(async (form) => ({
      ...form,
      answer: await ask(form.url, { headers: { accept: 'application/json' } }),
    })),
  );
  const found = answers.flatMap(({ name, url, answer }) =>
    isAnswer(answer) && answer.status === 200 && answer.json
      ? [{ name, url, answer, document: answer.json }]
      : [],
  );
  const right = found.find(({ document }) => document.issuer === issuer);
  const wrong = found.find(({ document }) => document.issuer !== issuer);
  if (!right) {
    const nobody = answers.map(({ answer }) => answer).find((answer) => !isAnswer(answer));
    const finding = wrong
      ? namesAnother(issuer, wrong)
      : nothingUsable(issuer, answers, nobody as NoAnswer | undefined, isNeededForKeys);
    return { metadata: undefined, findings: [finding] };
  }
  const findings = [
    ok('issuer.metadata', `${issuer}: metadata found (${right.name}) and names exactly this issuer`),
  ];
  if (wrong) findings.push(namesTwo(issuer, wrong));
  if (right.name === 'RFC 8414, appended') findings.push(onlyAppended(issuer, right.url));
  return { metadata: right, findings };
}

function namesAnother(issuer: string, { url, document }: Pick<Metadata, 'url' | 'document'>): Finding {
  const named = shown(document.issuer);
  const isTemplate = /[{}]/.test(named);
  return error(
    'issuer.mismatch',
    `${issuer}: its metadata names another issuer: ${named}${difference(named, issuer)}`,
    `Issuers are compared byte for byte: this server does not believe ${url}, and clients refuse it as well (RFC 8414 section 3.3).`,
    isTemplate
      ? 'That is the address for all tenants. Use the one of your tenant: put its id in place of common or organizations.'
      : `Write issuer = ${JSON.stringify(named)} into AUTHORIZATION_SERVERS, if that is what \`iss\` of its tokens says as well.`,
  );
}

const namesTwo = (issuer: string, { url, document }: Pick<Metadata, 'url' | 'document'>): Finding =>
  warning(
    'issuer.two-names',
    `${issuer}: another of its documents, ${url}, names ${shown(document.issuer)}`,
    'A client that reads that document first refuses it, or goes on with the other issuer.',
    'Have the authorization server say the same in both, or say advertise = "..." with the URL that clients should use.',
  );

const onlyAppended = (issuer: string, url: string): Finding =>
  warning(
    'issuer.form',
    `${issuer}: its metadata is at ${url} only`,
    'MCP clients look where RFC 8414 and OpenID Connect say, and that is neither: they do not find it.',
    `Serve the document at ${metadataForms(issuer)[0]?.url} as well, or say advertise = "..." with a URL whose metadata they find.`,
  );

function nothingUsable(
  issuer: string,
  answers: readonly { readonly url: string; readonly answer: Answer | NoAnswer }[],
  nobody: NoAnswer | undefined,
  isNeededForKeys: boolean,
): Finding {
  const consequence = isNeededForKeys
    ? 'This server finds the keys by it: without them every token is answered with 503. Clients find out there where to sign in.'
    : 'Clients find out there where to sign in. (The keys are found by jwksUri.)';
  if (nobody) return error('issuer.unreachable', `${issuer} ${nobody.problem}`, consequence, nobody.remedy);
  const given = answers.flatMap(({ url, answer }) => (isAnswer(answer) ? [{ url, answer }] : []));
  const moved = given.find(({ answer }) => answer.status >= 300 && answer.status < 400);
  if (moved) {
    const target = shown(moved.answer.headers.get('location') ?? 'elsewhere');
    return error(
      'issuer.redirect',
      `${issuer}: its metadata is redirected to ${target}`,
      `Redirects are not followed: another host could speak for the issuer. ${consequence}`,
      `The issuer is probably another: open ${target} and take the issuer that is written there, as it is in the tokens.`,
    );
  }
  const failing = given.find(({ answer }) => answer.status >= 500);
  if (failing) {
    return error(
      'issuer.failing',
      `${issuer}: ${failing.url} answers ${failing.answer.status}`,
      consequence,
      'That is trouble of the authorization server, or of a proxy before it: look at its status page or log.',
    );
  }
  const odd = given.find(({ answer }) => answer.status === 200);
  return error(
    'issuer.metadata',
    odd
      ? `${issuer}: what is at ${odd.url} is no JSON object`
      : `${issuer}: there is no metadata, neither by RFC 8414 nor by OpenID Connect (${listed([...new Set(given.map(({ answer }) => String(answer.status)))])})`,
    consequence,
    `Compare the issuer with \`iss\` of a token, path and slash included. Tried: ${listed(answers.map(({ url }) => url))}.`,
  );
}
