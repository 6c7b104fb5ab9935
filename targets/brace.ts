import { secret, type TargetConfig } from '../src/index.ts'

/** What differs between one installation of brace and another. Left out, a value is that of the production host. */
export type BraceOptions = {
  /** The checkout, in which `infra/docker-compose.prod.yml` and `backups/` lie. */
  readonly root?: string
  /** From `root`. Without `envFiles`, Compose takes its variables from a `.env` beside the first of them. */
  readonly composeFiles?: readonly string[]
  /** From `root`. */
  readonly envFiles?: readonly string[]
  /** Compose's own choice is the name of the folder of the first file. */
  readonly project?: string
  /** A role that may create databases; it is used inside the container of `db`, over its socket. */
  readonly databaseUser?: string
  readonly confirmPhrase?: string
  /** The role of the application, whose password is found in BRACE_DB_PASSWORD. Its login proves that the database lets it in. */
  readonly applicationUser?: string
  /** Where Docker's settings and the number of its process lie, and what starts it anew. */
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
  /** The document whose block "Latest tested restore" is kept, from `root`. Without it, a file beside the evidence. */
  readonly record?: string
  /** Whether a rollback of the database also asks for the window, the file and the post-mortem; then somebody has to answer. Default false. */
  readonly duties?: boolean
  /** Where the Compose file asks for `${IMAGE_TAG}`: the one of `envFiles` that holds it, from `root`. */
  readonly versionFile?: string
  /** Where releases lie side by side in folders, and `root` is a link to the one that is live. */
  readonly releaseFolders?: NonNullable<TargetConfig['releaseFolders']>
  /** How long the backend may take to become healthy, and how often it is asked. */
  readonly patience?: { readonly passes?: number; readonly every?: string; readonly within?: string }
}

/** The shop of the runbook "Rollback / Restore": Postgres 17 and the application on Compose, with nightly dumps. */
export function brace({
  root = '/srv/brace',
  composeFiles = ['infra/docker-compose.prod.yml'],
  envFiles = [],
  project = 'infra',
  databaseUser = 'postgres',
  confirmPhrase,
  applicationUser = 'brace_user',
  testImage = 'postgres:{major}-alpine',
  record,
  duties = false,
  backendUrl = 'http://127.0.0.1:8000',
  frontendUrl = 'http://127.0.0.1:3000',
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
      project,
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
      name: 'brace',
      user: databaseUser,
      ...(confirmPhrase === undefined ? {} : { confirmPhrase }),
    },
    // The procedure says brace_YYYYMMDD_HHMMSS.dump, and the dumps found are called brace_tg_YYYYMMDDHHMMSS.dump: both count, by the time in their names.
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
