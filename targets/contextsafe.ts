import { secret, type TargetConfig } from '../src/index.ts'

/** What differs between installations of ContextSafe. The defaults are those of the production host. */
export type ContextsafeOptions = {
  /**
   * The checkout that contains `docker/docker-compose.yml`, `deployments/history.log` and
   * `.env.production`.
   */
  readonly root?: string
  /** Where nightly backups arrive, and where runs put their copies. */
  readonly backups?: string
  /** Compose defaults to the name of its file's folder. */
  readonly project?: string
  readonly url?: string
  /** Ids of the user `contextsafe` in the image, for a database file that is created where none was. */
  readonly uid?: number
  readonly gid?: number
  readonly confirmPhrase?: string
  /** How old the newest backup may be: backups are made each night at 02:00. */
  readonly maxAge?: string
  /**
   * Whether backups may end in `.gpg`: a secret that a target names must be set. Default: whether
   * CONTEXTSAFE_BACKUP_PASSPHRASE is set.
   */
  readonly encrypted?: boolean
  readonly contacts?: {
    readonly onCall: string
    readonly databaseAdmin: string
    readonly infrastructure: string
  }
  /**
   * How long the API may take to become healthy, and how often it is asked. Its image allows 30 s to start,
   * and it needs 60 s.
   */
  readonly patience?: { readonly passes?: number; readonly every?: string; readonly within?: string }
}

/**
 * The API of the guide "ContextSafe - Rollback & Recovery Procedures": one service on Compose, SQLite in
 * its volume.
 */
export function contextsafe({
  root = '/srv/contextsafe',
  backups = '/backups/contextsafe',
  project,
  url = 'http://localhost:8000',
  uid = 1000,
  gid = 1000,
  confirmPhrase,
  maxAge = '26h',
  encrypted = process.env['CONTEXTSAFE_BACKUP_PASSPHRASE'] !== undefined,
  patience = { within: '150s' },
  contacts = {
    onCall: 'see the on-call plan',
    databaseAdmin: 'see the on-call plan',
    infrastructure: 'see the on-call plan',
  },
}: ContextsafeOptions = {}) {
  return {
    title: 'ContextSafe (production)',
    objectives: { rto: '30m', rpo: '24h' },
    stack: {
      kind: 'compose',
      ...(project === undefined ? {} : { project }),
      files: [`${root}/docker/docker-compose.yml`],
    },
    writers: ['api'],
    volumeDatabase: {
      service: 'api',
      path: '/app/data/contextsafe.db',
      uid,
      gid,
      mode: 0o600,
      ...(encrypted ? { passphrase: secret('CONTEXTSAFE_BACKUP_PASSPHRASE') } : {}),
      business: [
        {
          name: 'projects',
          sql: 'select count(*) from projects',
          url: `${url}/api/v1/projects`,
          path: 'total',
        },
      ],
      ...(confirmPhrase === undefined ? {} : { confirmPhrase }),
    },
    migrations: { service: 'api' },
    backups: {
      directory: backups,
      pattern: 'contextsafe-{time}.db*',
      maxAge,
      minBytes: 512,
      checksums: 'if-present',
    },
    assertions: [{ name: 'there are projects', sql: 'select count(*) from projects', atLeast: 1 }],
    health: [
      { name: 'api', url: `${url}/health`, timeout: '5s', ...patience },
      { name: 'a sample request', url: `${url}/api/v1/projects`, timeout: '5s', ...patience },
    ],
    logScan: { services: ['api'], since: '10m' },
    retention: { dumps: `${backups}/kept` },
    documents: {
      service: 'api',
      folder: '/app/data/documents',
      uid,
      gid,
      mode: 0o644,
      ...(encrypted ? { passphrase: secret('CONTEXTSAFE_BACKUP_PASSPHRASE') } : {}),
      backups: { directory: backups, pattern: 'data-*', checksums: 'if-present' },
      ...(confirmPhrase === undefined ? {} : { confirmPhrase }),
    },
    staging: `${backups}/staging`,
    deployments: { history: `${root}/deployments/history.log` },
    imageLine: { service: 'api' },
    configuration: { file: `${root}/.env.production`, services: ['api'], confirm: ['LLM_*', 'DATABASE_*'] },
    operators: {
      contacts: [
        { role: 'on-call engineer', reach: contacts.onCall },
        { role: 'database admin', reach: contacts.databaseAdmin },
        { role: 'infrastructure team', reach: contacts.infrastructure },
      ],
      escalation: [
        { what: 'Roll back with this program.', runbooks: ['container-rollback', 'config-rollback'] },
        {
          what: 'Roll back by hand, step by step as the runbook says; call the on-call engineer.',
          who: 'on-call engineer',
        },
        { what: 'Restore from a backup: runbook run sqlite-restore.', runbooks: ['sqlite-restore'] },
        {
          what: 'Data is lost: call the database admin.',
          runbooks: ['recover-volume-records', 'recover-document'],
          who: 'database admin',
        },
        { what: 'It is the infrastructure: call the infrastructure team.', who: 'infrastructure team' },
      ],
    },
    checklist: `${root}/deployments/restore-checklist.md`,
  } as const satisfies TargetConfig
}
