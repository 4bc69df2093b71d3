// A browser just big enough for the pages of the local authorization server, with a person at it.
//
// Cookies, redirects, forms and buttons: the server cannot tell it from a real one. It runs no scripts; the
// library's one script only submits the page's form, and so does this.
// Does not handle any other server's pages: it knows which buttons pages.ts has.
// Cookies: RFC 6265, as far as one origin needs.

/** Where a visit ended: at another origin (not requested), or at a page with nothing left to press. */
export type Destination = { readonly redirect: URL } | { readonly page: string };

/** What the person does. */
export interface Visit {
  readonly user: string;
  /** Presses Deny instead of Allow. */
  readonly deny?: boolean | undefined;
}

interface Step {
  readonly url: URL;
  readonly body?: URLSearchParams;
}

interface Form {
  readonly action: string;
  readonly fields: URLSearchParams;
  /** `name=value` of each. */
  readonly buttons: readonly string[];
}

const MAX_STEPS = 20;

/** Keeps its cookies, so a person signed in once stays signed in. */
export class Browser {
  readonly #cookies = new Map<string, { readonly pair: string; readonly path: string }>();

  /** One request, redirects not followed. */
  async request(url: URL, body?: URLSearchParams): Promise<Response> {
    const cookies = [...this.#cookies.values()].filter(({ path }) => url.pathname.startsWith(path));
    const response = await fetch(url, {
      method: body ? 'POST' : 'GET',
      headers: { accept: 'text/html', cookie: cookies.map(({ pair }) => pair).join('; ') },
      body: body ?? null,
      redirect: 'manual',
    });
    for (const header of response.headers.getSetCookie()) this.#store(header);
    return response;
  }

  /** Goes on from `start` as `visit` says until there is nothing more to do. */
  async visit(start: URL, visit: Visit): Promise<Destination> {
    let step: Step = { url: start };
    for (let steps = 0; steps < MAX_STEPS; steps += 1) {
      const { url } = step;
      const response = await this.request(url, step.body);
      const location = response.headers.get('location');
      if (location !== null) {
        step = { url: new URL(location, url) };
        if (step.url.origin !== start.origin) return { redirect: step.url };
        continue;
      }
      const page = await response.text();
      if (!response.ok) throw new Error(`${url.origin}${url.pathname}: ${response.status} ${textOf(page)}`);
      const next = nextStep(url, page, visit);
      if (!next) return { page };
      step = next;
    }
    throw new Error(`${start.origin}${start.pathname}: no end after ${MAX_STEPS} steps`);
  }

  #store(header: string): void {
    const [pair = '', ...attributes] = header.split(/;\s*/);
    const attribute = (name: string) =>
      attributes.find((entry) => entry.toLowerCase().startsWith(`${name}=`))?.slice(name.length + 1);
    const path = attribute('path') ?? '/';
    const key = `${pair.slice(0, pair.indexOf('='))};${path}`;
    const expires = attribute('expires');
    if (expires !== undefined && Date.parse(expires) <= Date.now()) this.#cookies.delete(key);
    else this.#cookies.set(key, { pair, path });
  }
}

/** What the person presses on this page, if there is anything to press. */
function nextStep(url: URL, page: string, { user, deny = false }: Visit): Step | undefined {
  const forms = formsOf(page);
  const press = (button: string): Step | undefined => {
    const form = forms.find(({ buttons }) => buttons.includes(button));
    if (!form) return undefined;
    const body = new URLSearchParams([...form.fields, ...new URLSearchParams(button)]);
    return { url: new URL(form.action, url), body };
  };

  const signIn = press(`user=${user}`);
  if (signIn) return signIn;
  const account = forms[0]?.fields.get('account');
  if (account && account !== user) return { url: new URL('?switch', url) };
  const answer = (deny ? undefined : press('decision=allow')) ?? press('confirm=yes');
  if (answer) return answer;
  if (deny && account) return press('decision=deny');

  const [form] = forms;
  if (form && page.includes('document.forms[0].submit()')) {
    return { url: new URL(form.action, url), body: form.fields };
  }
  if (form) throw new Error(`${url.origin}${url.pathname}: nothing for ${user} to press: ${textOf(page)}`);
  return undefined;
}

function formsOf(page: string): readonly Form[] {
  return [...page.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)].map(([, tag = '', content = '']) => ({
    action: attributeOf(tag, 'action'),
    fields: new URLSearchParams(
      [...content.matchAll(/<input\b([^>]*)>/g)].map(([, input = '']): [string, string] => [
        attributeOf(input, 'name'),
        attributeOf(input, 'value'),
      ]),
    ),
    buttons: [...content.matchAll(/<button\b([^>]*)>/g)].map(
      ([, button = '']) => `${attributeOf(button, 'name')}=${attributeOf(button, 'value')}`,
    ),
  }));
}

function attributeOf(tag: string, name: string): string {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? '';
  return value
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&');
}

/** The words of a page, for an error message. */
function textOf(page: string): string {
  const main = /<main>(.*?)<\/main>/s.exec(page)?.[1] ?? page;
  return main
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}
