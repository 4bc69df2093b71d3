// A desktop for programs that open a browser to sign in: a person signs in and agrees wherever they go.
//
// Programs find the browser through BROWSER, or as xdg-open or open on the PATH; all of them are one script
// that writes down the URL. Everything they keep goes to a home of their own. Does not work on Windows.

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { approveAuthorization } from '../../scripts/grants.ts';

export interface Desktop extends AsyncDisposable {
  /** For the programs that run on it. */
  readonly env: Record<string, string>;
  /** The scopes the person was asked for, one entry per visit. */
  readonly asked: readonly string[];
}

const BROWSERS = ['browser', 'xdg-open', 'open'];
const CALLBACK_DEADLINE_MS = 15_000;
const POLL_MS = 50;

/** `home` is made; it must not be there yet. Disposing throws what went wrong at the browser. */
export async function startDesktop({ home, user }: { home: string; user: string }): Promise<Desktop> {
  await mkdir(home);
  const visited = join(home, 'visited');
  await writeFile(visited, '');
  const script = `#!/bin/sh\nprintf '%s\\n' "$1" >> '${visited}'\n`;
  for (const name of BROWSERS) await writeFile(join(home, name), script, { mode: 0o755 });

  const asked: string[] = [];
  const stopping = new AbortController();
  const watching = watch();
  // Reported when disposing; until then it must not count as unhandled.
  watching.catch(() => {});

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      const urls = (await readFile(visited, 'utf8')).split('\n').slice(0, -1);
      for (const text of urls.slice(asked.length)) {
        const url = new URL(text);
        asked.push(url.searchParams.get('scope') ?? '');
        await follow(await approveAuthorization(url, user));
      }
      await sleep(POLL_MS);
    }
  }

  return {
    env: {
      PATH: [home, dirname(process.execPath), process.env.PATH].join(delimiter),
      HOME: home,
      XDG_CONFIG_HOME: home,
      BROWSER: join(home, 'browser'),
    },
    asked,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await watching;
    },
  };
}

/** Some programs open the browser before they listen for its coming back, and this person is quick. */
async function follow(callback: URL): Promise<void> {
  const deadline = Date.now() + CALLBACK_DEADLINE_MS;
  for (;;) {
    try {
      const response = await fetch(callback);
      if (!response.ok) throw new Error(`${callback.origin}${callback.pathname} answered ${response.status}`);
      return;
    } catch (error) {
      if (!(error instanceof TypeError) || Date.now() > deadline) throw error;
      await sleep(POLL_MS);
    }
  }
}
