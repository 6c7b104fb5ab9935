import { secret, type TargetConfig } from '../src/index.ts'

/** What differs between installations of brace. The defaults are those of the production host. */
export type BraceOptions = {
  /** The checkout that contains `infra/docker-compose.prod.yml` and `backups/`. */
  readonly root?: string
  /**
   * Relative to `root`. Without `envFiles`, Compose takes its variables from a `.env` beside the first of
   * them.
   */
  readonly composeFiles?: readonly string[]
  /** Relative to `root`. */
  readonly envFiles?: readonly string[]
  /** Compose defaults to the name of the first file's folder. */
  readonly project?: string
  readonly database?: string
  /** A role that may create databases; it is used inside the container of `db`, over its socket. */
  readonly databaseUser?: string
  readonly confirmPhrase?: string
  /**
   * The application's role; its password comes from BRACE_DB_PASSWORD. A login proves that the database
   * accepts it.
   */
  readonly applicationUser?: string
  /** Docker's settings file, its pid file, and the command that restarts it. */
  readonly daemon?: {
    readonly file: string
    readonly pidFile: string
    readonly restart: readonly string[]
    readonly within?: string
  }
  readonly backendUrl?: string
  readonly frontendUrl?: string
  /** Image of the server in which dumps are tested; `{major}` is the dump's major version. */
  readonly testImage?: string
  /**
   * The document whose block "Latest tested restore" is updated, relative to `root`. Default: a file beside
   * the evidence.
   */
  readonly record?: string
  /**
   * Whether a database rollback also asks for the window, the file and the post-mortem; a person must
   * answer. Default false.
   */
  readonly duties?: boolean
  /** Where the Compose file uses `${IMAGE_TAG}`: the one of `envFiles` that sets it, relative to `root`. */
  readonly versionFile?: string
  /** Where releases are in folders side by side, and `root` is a link to the live one. */
  readonly releaseFolders?: NonNullable<TargetConfig['releaseFolders']>
  /** How long the backend may take to become healthy, and how often it is asked. */
  readonly patience?: { readonly passes?: number; readonly every?: string; readonly within?: string }
}

/**
 * The shop of the runbook "Rollback / Restore": Postgres 17 and the application on Compose, with nightly
 * dumps.
 */
export function brace({
  root = '/srv/brace',
  composeFiles = ['infra/docker-compose.prod.yml'],
  envFiles = [],
  database = 'brace_tg',
  project,
  databaseUser = 'postgres',
  confirmPhrase,
  applicationUser = 'brace_user',
  testImage = 'postgres:{major}-alpine',
  record,
  duties = false,
  backendUrl = 'http://127.0.0.1:8000',
  frontendUrl = 'http://127.0.0.1',
  patience = {},
  versionFile,
  releaseFolders,
  daemon = {
    file: '/etc/docker/daemon.json',
    pidFile: '/var/run/docker.pid',
    restart: ['systemctl', 'restart', 'docker'],
  },
}: BraceOptions = {}) {
  return {
    title: 'brace (production)',
    objectives: { rto: '30m', rpo: '24h' },
    stack: {
      kind: 'compose',
      ...(project === undefined ? {} : { project }),
      files: composeFiles.map((file) => `${root}/${file}`),
      envFiles: envFiles.map((file) => `${root}/${file}`),
      profiles: ['smoke'],
    },
    app: ['backend', 'frontend', 'admin-bot', 'scheduler'],
    ...(versionFile === undefined
      ? {}
      : {
          version: {
            services: ['backend', 'frontend', 'admin-bot', 'scheduler'],
            file: `${root}/${versionFile}`,
            image: 'brace/backend:{tag}',
            pull: 'missing',
          },
        }),
    ...(releaseFolders === undefined ? {} : { releaseFolders }),
    // The frontend writes nothing, and stays up.
    writers: ['backend', 'admin-bot', 'scheduler'],
    database: {
      engine: 'postgres',
      service: 'db',
      name: database,
      user: databaseUser,
      ...(confirmPhrase === undefined ? {} : { confirmPhrase }),
    },
    // The procedure names dumps brace_YYYYMMDD_HHMMSS.dump, existing ones are brace_tg_YYYYMMDDHHMMSS.dump:
    // both are accepted, by the time in their names.
    backups: {
      directory: `${root}/backups`,
      pattern: 'brace_*{time}.dump',
      maxAge: '26h',
      minBytes: 1000,
      checksums: 'if-present',
    },
    assertions: [
      { name: 'there is one migration level', sql: 'select count(*) from alembic_version', equals: 1 },
    ],
    health: [
      { name: 'backend', url: `${backendUrl}/api/health`, status: 200, timeout: '5s', ...patience },
      { name: 'frontend', url: `${frontendUrl}/`, text: '<!doctype html>', timeout: '5s', ...patience },
    ],
    smoke: { service: 'smoke-tests' },
    restoreTest: { image: testImage, ...(record === undefined ? {} : { record: `${root}/${record}` }) },
    duties: duties ? ['full-db-rollback'] : [],
    access: { pgHba: { user: applicationUser, password: secret('BRACE_DB_PASSWORD') }, daemon },
    retention: { dumps: `${root}/backups/rollback`, keepOld: '7d' },
  } as const satisfies TargetConfig
}
