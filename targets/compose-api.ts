import { secret, type TargetConfig } from '../src/index.ts'

/** What differs between installations. The defaults are those of the production host. */
export type ComposeApiOptions = {
  /** The checkout that contains `docker-compose.yml` and the env file. */
  readonly root?: string
  /**
   * Relative to `root`. The procedure describes `.env.production` and types `.env`; either way every call
   * uses this one file, so that no command reads another version than the one before it.
   */
  readonly envFile?: string
  /** Default, as for Compose: the name of the folder `root`. */
  readonly project?: string
  readonly database?: string
  readonly url?: string
  /** The image of a version, with `{tag}` in it. */
  readonly image?: string
  /** The registry that has those images; null for none. */
  readonly registry?: string | null
  /** `missing` where images are not pulled from a registry. */
  readonly pull?: 'always' | 'missing'
  readonly databaseUser?: string
  /** How long a check may take to pass, and how often it is asked. */
  readonly patience?: { readonly passes?: number; readonly every?: string; readonly within?: string }
}

/**
 * The API of the runbook "Rollback runbook (production)": releases by tag on Compose, Postgres, migrations
 * by alembic.
 */
export function composeApi({
  root = '/srv/api',
  envFile = '.env',
  database = 'cleaning',
  project,
  url = 'https://api.example.com',
  databaseUser = 'postgres',
  patience = {},
  image = 'registry.example.com/api:{tag}',
  registry = 'https://registry.example.com',
  pull = 'always',
}: ComposeApiOptions = {}) {
  return {
    title: 'The API (production)',
    stack: {
      kind: 'compose',
      ...(project === undefined ? {} : { project }),
      files: [`${root}/docker-compose.yml`],
      envFiles: [`${root}/${envFile}`],
    },
    // IMAGE_TAG is set in the env file and stays there: on the command line it would apply to one command
    // only.
    version: { services: ['api', 'jobs'], image, pull, ...(registry === null ? {} : { registry }) },
    migrations: { service: 'api' },
    writers: ['api', 'jobs'],
    database: { engine: 'postgres', service: 'db', name: database, user: databaseUser },
    health: [
      { name: 'liveness', url: `${url}/healthz`, ...patience },
      {
        name: 'readiness',
        url: `${url}/readyz`,
        json: { db: true, jobs: true, migrations_current: true },
        ...patience,
      },
    ],
    retention: { dumps: `${root}/backups/rollback` },
    exports: {
      file: `${root}/${envFile}`,
      services: ['api'],
      endpoints: [
        { name: 'exports', url: `${url}/exports/documents.csv` },
        { name: 'reports', url: `${url}/exports/report.csv` },
      ],
    },
    metrics: {
      url: `${url}/metrics`,
      bearer: secret('METRICS_TOKEN'),
      names: ['api_requests_total', 'api_db_up'],
    },
    logScan: { services: ['api', 'jobs'], since: '10m' },
    operators: { channel: 'the incident channel', tracker: 'the tracker' },
    configuration: {
      file: `${root}/${envFile}`,
      services: ['api', 'jobs'],
      confirm: ['EXPORT_MODE', 'DATABASE_*'],
    },
    deployments: { history: `${root}/deployments/history.log` },
    checklist: `${root}/docs/incident-log.md`,
  } as const satisfies TargetConfig
}
