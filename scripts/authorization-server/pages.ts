// What a person sees of the local authorization server: sign-in, consent, the device flow's pages, errors.
//
// Static HTML and one style sheet: no scripts, no assets, and a Content-Security-Policy to that effect.
// Does not decide anything: interactions.ts (authorization) and the library (device flow) handle the buttons.
// Device flow user interaction: RFC 8628 section 3.3. Keeping the page out of frames: RFC 9700 section 4.16.

import { createHash } from 'node:crypto';
import { SCOPES, USERS } from './accounts.ts';

/** Markup that is already safe. Anything else put into a page is escaped. */
class Html {
  readonly markup: string;

  constructor(markup: string) {
    this.markup = markup;
  }
}

type Content = Html | string | readonly Html[];

export interface Page {
  readonly title: string;
  readonly content: Html;
}

/** The part of a Koa context that a page needs. */
interface Reply {
  type: string;
  body: unknown;
  set(headers: Record<string, string>): void;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function markupOf(content: Content): string {
  if (content instanceof Html) return content.markup;
  if (typeof content === 'string')
    return content.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
  return content.map((part) => part.markup).join('');
}

function html(literals: TemplateStringsArray, ...contents: Content[]): Html {
  return new Html(String.raw({ raw: literals }, ...contents.map(markupOf)));
}

const STYLE = `
:root { color-scheme: light dark; --page: #f3f4f6; --card: #fff; --text: #16181d; --quiet: #5b6270;
  --line: #d9dce3; --accent: #2451d6; --on-accent: #fff; --hover: #eef2ff; }
@media (prefers-color-scheme: dark) { :root { --page: #101217; --card: #1a1d24; --text: #eceef2;
  --quiet: #a3a9b6; --line: #343945; --accent: #8fabff; --on-accent: #10131a; --hover: #232936; } }
* { box-sizing: border-box; }
body { margin: 0; padding: 6vh 1rem; background: var(--page); color: var(--text);
  font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 30rem; margin: 0 auto; padding: 2rem; background: var(--card);
  border: 1px solid var(--line); border-radius: 14px; box-shadow: 0 8px 30px rgb(0 0 0 / .06); }
h1 { margin: 0 0 .5rem; font-size: 1.45rem; line-height: 1.25; }
h2 { margin: 1.5rem 0 .5rem; font-size: 1rem; }
p { margin: .5rem 0; }
a { color: var(--accent); }
code { font: .9em ui-monospace, monospace; overflow-wrap: anywhere; }
.quiet { color: var(--quiet); }
.alert { padding: .6rem .8rem; border-left: 4px solid #d1242f; background: var(--hover); }
.code { margin: 1rem 0; font-size: 2rem; letter-spacing: .12em; text-align: center; }
dl { display: grid; grid-template-columns: auto 1fr; gap: .35rem 1rem; margin: 1.25rem 0 0; }
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
ul { margin: 0; padding: 0; list-style: none; }
.scopes li { display: grid; grid-template-columns: 1fr auto; padding: .55rem 0;
  border-top: 1px solid var(--line); }
.scopes code { grid-row: 2; color: var(--quiet); }
.new { align-self: start; padding: 0 .5rem; border-radius: 99px; background: var(--accent);
  color: var(--on-accent); font-size: .8rem; }
form { margin-top: 1.25rem; }
label { display: block; margin-bottom: .35rem; font-weight: 600; }
input, button { width: 100%; padding: .7rem 1rem; border: 1px solid var(--line); border-radius: 9px;
  background: transparent; color: inherit; font: inherit; }
input { margin-bottom: .75rem; font: 1.2rem ui-monospace, monospace; letter-spacing: .1em;
  text-transform: uppercase; }
button { cursor: pointer; font-weight: 600; }
button:hover { background: var(--hover); }
button.plain { border-color: transparent; color: var(--quiet); }
button.main { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
button.main:hover { filter: brightness(1.08); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.people button:not(.plain) { display: flex; justify-content: space-between; gap: 1rem; margin-bottom: .6rem; }
.people span { color: var(--quiet); font-weight: 400; }
.choice { display: grid; grid-template-columns: 1fr 1fr; gap: .75rem; }
`;

// No form-action: browsers apply it to the redirects that follow the form, and those end at the client.
const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Sends a page; the status is the caller's. */
export function show(reply: Reply, { title, content }: Page): void {
  reply.set({
    'Content-Security-Policy': POLICY,
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  });
  reply.type = 'html';
  reply.body = html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`.markup;
}

/** `action` gets `user=NAME` or, for leaving, `decision=deny`. */
export function signInPage(action: string, clientName: string): Page {
  const people = Object.entries(USERS).map(
    ([name, roles]) =>
      html`<button name="user" value="${name}">${name} <span>${roles.join(', ')}</span></button>\n`,
  );
  return {
    title: 'Who are you?',
    content: html`<p><strong>${clientName}</strong> wants you to sign in.</p>
<p class="quiet">This server is for local development: there are no passwords, pick a person.</p>
<form method="post" action="${action}" class="people">
${people}<button name="decision" value="deny" class="plain">Cancel</button>
</form>`,
  };
}

export interface ConsentRequest {
  readonly action: string;
  readonly switchUser: string;
  readonly user: string;
  readonly clientId: string;
  readonly clientName: string;
  /** Absent when the client waits on another device. */
  readonly redirectUri: string | undefined;
  readonly resources: readonly string[];
  readonly scopes: readonly string[];
  /** Those the person has not allowed before. */
  readonly newScopes: readonly string[];
}

/** `action` gets `decision=allow` or `decision=deny`. */
export function consentPage(request: ConsentRequest): Page {
  const { clientId, clientName, redirectUri, scopes, newScopes, user } = request;
  const isStepUp = newScopes.length > 0 && newScopes.length < scopes.length;
  const scopeItems = scopes.map((scope) => {
    const mark = isStepUp && newScopes.includes(scope) ? html`<span class="new">new</span>` : '';
    return html`<li>${SCOPES[scope] ?? ''} ${mark}<code>${scope}</code></li>\n`;
  });
  return {
    title: `Allow ${clientName}?`,
    content: html`<dl>
<dt>Client</dt><dd><code>${clientId}</code></dd>
<dt>Returns to</dt><dd>${redirectUri === undefined ? 'the device showing the code' : hostOf(redirectUri)}</dd>
<dt>Resource</dt><dd>${request.resources.map((resource) => html`<code>${resource}</code> `)}</dd>
<dt>You are</dt><dd>${user} (<a href="${request.switchUser}">be someone else</a>)</dd>
</dl>
<h2>${isStepUp ? 'It asks for more access:' : 'It will be able to:'}</h2>
<ul class="scopes">
${scopeItems}</ul>
<form method="post" action="${request.action}" class="choice">
<input type="hidden" name="account" value="${user}">
<button name="decision" value="allow" class="main">Allow</button>
<button name="decision" value="deny">Deny</button>
</form>`,
  };
}

/** `http://127.0.0.1:4711`, `cursor://mcp.callback`: enough to tell where the answer goes. */
function hostOf(redirectUri: string): string {
  const { protocol, host } = new URL(redirectUri);
  return `${protocol}//${host}`;
}

/** `action` gets `user_code`; `problem` says what was wrong with the last one. */
export function userCodePage(action: string, xsrf: string, problem: string | undefined): Page {
  return {
    title: 'Connect a device',
    content: html`${problem === undefined ? '' : html`<p class="alert" role="alert">${problem}</p>`}
<form method="post" action="${action}">
<input type="hidden" name="xsrf" value="${xsrf}">
<label for="code">The code shown on the device</label>
<input id="code" name="user_code" autocomplete="off" autocapitalize="characters" spellcheck="false"
  required autofocus>
<button class="main">Continue</button>
</form>`,
  };
}

/** `action` gets `confirm=yes` or `abort=yes`. */
export function confirmDevicePage(action: string, xsrf: string, clientName: string, userCode: string): Page {
  return {
    title: 'Is this your device?',
    content: html`<p><strong>${clientName}</strong> should be showing this code right now:</p>
<p class="code"><code>${userCode}</code></p>
<p class="quiet">If you did not just start this yourself, somebody else did: choose no.</p>
<form method="post" action="${action}" class="choice">
<input type="hidden" name="xsrf" value="${xsrf}">
<input type="hidden" name="user_code" value="${userCode}">
<button name="confirm" value="yes" class="main">Yes, continue</button>
<button name="abort" value="yes">No</button>
</form>`,
  };
}

export function deviceDonePage(clientName: string): Page {
  return {
    title: 'Device connected',
    content: html`<p><strong>${clientName}</strong> has access now. You can close this page.</p>`,
  };
}

export function errorPage(code: string, description: string | undefined): Page {
  return {
    title: 'That did not work',
    content: html`<p><code>${code}</code></p>\n<p>${description ?? ''}</p>`,
  };
}
