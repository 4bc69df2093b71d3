// wrangler.toml and .dev.vars as wrangler itself reads them, for one environment.
//
// Does not judge what is in them.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseEnv } from 'node:util';
import { experimental_readRawConfig, unstable_readConfig } from 'wrangler';
import { UsageError } from '../command.ts';
import { error, type Finding, shown } from './finding.ts';

export type Vars = Readonly<Record<string, unknown>>;

export interface WranglerFile {
  readonly path: string;
  readonly env: string | undefined;
  /** Of the environment. */
  readonly vars: Vars;
  /** At the top of the file, where an environment does not get them from. */
  readonly topVars: Vars;
  /** Of .dev.vars beside it: what `wrangler dev` puts over them. */
  readonly devVars: Vars;
  /** What `main` names, as it stands there; `undefined` when it cannot be read. */
  readonly entry: string | undefined;
  readonly bindings: Bindings;
}

export interface Bindings {
  readonly name: string | undefined;
  readonly flags: readonly string[];
  readonly kv: readonly { readonly binding: string; readonly id?: string }[];
  readonly objects: readonly {
    readonly name: string;
    readonly class_name: string;
    readonly script_name?: string;
  }[];
  readonly migrations: readonly {
    readonly new_classes?: readonly string[];
    readonly new_sqlite_classes?: readonly string[];
    readonly renamed_classes?: readonly { readonly from: string; readonly to: string }[];
    readonly deleted_classes?: readonly string[];
  }[];
  /** Names of Service Bindings. */
  readonly services: readonly string[];
  /** Hosts that are routed to the Worker, as written. */
  readonly routes: readonly string[];
  readonly isLogged: boolean;
}

/** @throws {UsageError} when there is no such file or environment */
export function readWranglerFile(path: string, env: string | undefined): WranglerFile | Finding {
  if (!existsSync(path)) throw new UsageError(`--config: there is no file ${path}`);
  try {
    const { rawConfig } = experimental_readRawConfig({ config: path });
    const known = Object.keys(rawConfig.env ?? {});
    if (env !== undefined && !known.includes(env))
      throw new UsageError(`--env: ${path} has no [env.${env}]; it has ${known.join(', ') || 'none'}`);
    const config = unstable_readConfig({ config: path, env }, { hideWarnings: true });
    return {
      path,
      env,
      vars: config.vars,
      topVars: (rawConfig.vars ?? {}) as Vars,
      devVars: readDevVars(dirname(path), env),
      entry:
        config.main !== undefined && existsSync(config.main) ? readFileSync(config.main, 'utf8') : undefined,
      bindings: {
        name: config.name,
        flags: config.compatibility_flags,
        kv: config.kv_namespaces as Bindings['kv'],
        objects: config.durable_objects.bindings as Bindings['objects'],
        migrations: config.migrations as Bindings['migrations'],
        services: ((config.services ?? []) as readonly { binding: string }[]).map(({ binding }) => binding),
        routes: [config.route, ...(config.routes ?? [])].flatMap((route) =>
          route === undefined ? [] : [typeof route === 'string' ? route : route.pattern],
        ),
        isLogged: config.observability?.enabled === true,
      },
    };
  } catch (problem) {
    if (problem instanceof UsageError) throw problem;
    return error(
      'config.file',
      `${path} cannot be read: ${shown(problem instanceof Error ? problem.message : problem)}`,
      'Nothing can be deployed with it, and no setting in it is known.',
      'Put the file right. Mind in TOML that [vars] goes on until the next [header], and that lists of tables stand in one line: [{ issuer = "..." }].',
    );
  }
}

function readDevVars(folder: string, env: string | undefined): Vars {
  const paths = [...(env === undefined ? [] : [`.dev.vars.${env}`]), '.dev.vars'];
  const path = paths.map((name) => join(folder, name)).find((candidate) => existsSync(candidate));
  return path === undefined ? {} : parseEnv(readFileSync(path, 'utf8'));
}
