import type { TargetConfig } from 'runbook'

/** What differs between installations. The defaults are those of the Compose file in Miniflux's documentation. */
export interface MinifluxOptions {
  /** Folder with the Compose file. */
  readonly root?: string
  /** Default, as for Compose: the name of the folder. */
  readonly project?: string
  readonly composeFile?: string
  /** The services of the application and of its database. */
  readonly services?: { readonly app?: string; readonly database?: string }
  readonly database?: { readonly name?: string; readonly user?: string }
  /** Where Miniflux answers, from this machine. */
  readonly url?: string
  /** Folder of nightly dumps, `pg_dump -Fc`, with a `.sha256` beside each. */
  readonly backups?: string
  /** File name pattern of the dumps. */
  readonly pattern?: string
}

/** A Miniflux on Docker Compose with its Postgres, for `targets` of runbook.config.ts. */
export function miniflux({
  root = '/srv/miniflux',
  project,
  composeFile = 'docker-compose.yml',
  services: { app = 'miniflux', database: server = 'db' } = {},
  database: { name = 'miniflux', user = 'miniflux' } = {},
  url = 'http://127.0.0.1:8080',
  backups = `${root}/backups`,
  pattern = 'miniflux-{time}.dump',
}: MinifluxOptions = {}) {
  return {
    title: 'Miniflux',
    stack: {
      kind: 'compose',
      ...(project === undefined ? {} : { project }),
      files: [`${root}/${composeFile}`],
    },
    writers: [app],
    database: { engine: 'postgres', service: server, name, user },
    backups: { directory: backups, pattern, maxAge: '26h' },
    assertions: [
      { name: 'somebody can log in', sql: 'select count(*) from users', atLeast: 1 },
      { name: 'feeds are there', sql: 'select count(*) from feeds', atLeast: 1 },
    ],
    // It asks the database, so it answers only when both work.
    health: [{ name: 'miniflux', url: `${url}/healthcheck` }],
    retention: { dumps: `${backups}/replaced` },
  } as const satisfies TargetConfig
}
