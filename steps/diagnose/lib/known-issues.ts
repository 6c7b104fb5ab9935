/** What an operator reports: the choices of `--symptom`, where `any` checks for everything. */
export const symptoms = [
  'any',
  'app',
  'health',
  'migration',
  'wrong-data',
  'start',
  'image',
  'backup',
  'mount',
  'checksum',
  'encryption',
  'auth',
  'daemon',
  'configuration',
  'lost-data',
  'exports',
] as const
export type Symptom = Exclude<(typeof symptoms)[number], 'any'>

/** One case of the teams' troubleshooting documents. */
export type KnownIssue = {
  readonly id: string
  readonly symptom: Symptom
  readonly cause: string
  /**
   * Runbooks that fix it, with flags where the case sets them: the first that fits the target is used. Empty
   * where an operator has to act.
   */
  readonly next: readonly string[]
  /** What the operator does first. */
  readonly act: string
  /** Checklist lines that the case covers. */
  readonly lines: readonly string[]
}

const one = (
  id: string,
  symptom: Symptom,
  cause: string,
  next: readonly string[],
  act: string,
  lines: readonly string[],
): KnownIssue => ({ id, symptom, cause, next, act, lines })

/** By rank where several match: the case that explains the most comes first. */
export const knownIssues: readonly KnownIssue[] = [
  one(
    'stack-missing',
    'configuration',
    'this is not the machine of the stack, or its files went away',
    [],
    'look at the paths of the stack in runbook.config.ts',
    [],
  ),
  one(
    'daemon-settings',
    'daemon',
    'the Docker daemon does not come up with its settings',
    ['auth-rollback --what daemon'],
    'restore daemon.json.bak, then restart Docker',
    ['S2.37', 'S2.38'],
  ),
  one(
    'auth-refused',
    'auth',
    'an edit of pg_hba.conf refuses the application',
    ['auth-rollback --what pg-hba'],
    'restore pg_hba.conf.bak, then restart Postgres',
    ['S2.35', 'S2.36'],
  ),
  one(
    'database-locked',
    'health',
    'another process keeps the database file locked',
    [],
    'stop all containers, then start them again',
    ['S4.13', 'S4.90', 'S4.91'],
  ),
  one(
    'database-away',
    'health',
    'the database does not answer, or takes no writes',
    [],
    'start the database service, and read its log',
    [],
  ),
  one(
    'database-damaged',
    'lost-data',
    'the database file fails its integrity check',
    ['sqlite-restore', 'full-db-rollback'],
    'restore from a backup',
    ['S4.15', 'S4.16'],
  ),
  one(
    'data-wrong',
    'wrong-data',
    'the data is not what it should be',
    ['sqlite-restore', 'full-db-rollback'],
    'restore from a backup taken before',
    ['S4.14'],
  ),
  one(
    'out-of-memory',
    'start',
    'the service needs more memory than it may have',
    [],
    'raise its limit, or find out what it does with it',
    [],
  ),
  one(
    'model-missing',
    'health',
    'the model file that the settings name is not there',
    ['config-rollback'],
    'compare LLM_MODEL_PATH with the file',
    ['S4.92', 'S4.106'],
  ),
  one(
    'port-taken',
    'health',
    'another process holds the port',
    [],
    'find out who listens there, and end it',
    ['S4.93'],
  ),
  one('disk-full', 'start', 'a disk is full', ['prune'], 'look where the room went: df -h; du -sh', [
    'S1.72',
    'S1.73',
    'S1.74',
  ]),
  one(
    'volume-missing',
    'start',
    'a volume of the service is not there',
    [],
    'look for the volume before anything is started again',
    ['S4.103', 'S4.104'],
  ),
  one(
    'permissions-wrong',
    'start',
    'the service may not read its own files',
    [],
    'look at owner and mode in the data folder',
    ['S4.105'],
  ),
  one(
    'downgrade-refused',
    'migration',
    'the downgrade would delete data',
    ['migration-downgrade', 'sqlite-downgrade'],
    'dump the table before it is dropped',
    ['S4.94', 'S4.95', 'S4.96', 'S4.97', 'S4.98'],
  ),
  one(
    'migration-mismatch',
    'migration',
    'the migration level is not the one that the application expects',
    ['migration-downgrade', 'sqlite-downgrade'],
    'compare the revision with the image',
    ['S2.2', 'S4.17', 'S4.18', 'S4.19', 'S4.20'],
  ),
  one(
    'wrong-backup',
    'wrong-data',
    'another backup than the right one was restored',
    ['sqlite-restore', 'full-db-rollback'],
    'look at the newest rows and at the file time',
    ['S4.99', 'S4.100', 'S4.101', 'S4.102'],
  ),
  one(
    'deploy-failed',
    'app',
    'the new version fails',
    ['container-rollback', 'version-rollback', 'rapid-rollback', 'stack-rollback'],
    'go back to the previous version',
    ['S2.1', 'S4.9', 'S4.10', 'S4.11', 'S4.12'],
  ),
  one(
    'configuration-bad',
    'configuration',
    'a change of the settings broke it',
    ['config-rollback'],
    'restore the previous settings',
    ['S2.3', 'S4.21', 'S4.22', 'S4.23', 'S4.24'],
  ),
  one(
    'image-missing',
    'image',
    'neither the image nor its archive is there',
    ['stack-rollback', 'version-rollback'],
    'pull it, or build it from the commit in the lock file and give it the archived tag',
    ['S0.28', 'S0.29', 'S0.30', 'S0.31'],
  ),
  one(
    'backup-stale',
    'backup',
    'no backup is there, or the newest is too old',
    ['data-backup'],
    'find out why none arrived, before anything is restored',
    ['S2.4'],
  ),
  one(
    'mount-unavailable',
    'mount',
    'the backup drive is not mounted',
    [],
    'mount it, and sign in to the drive again',
    ['S1.76', 'S1.77'],
  ),
  one(
    'checksum-mismatch',
    'checksum',
    'an archive was cut off or edited',
    ['data-backup', 'release-snapshot'],
    'make it again, and find out who touched it',
    ['S1.78', 'S1.79', 'S1.80'],
  ),
  one(
    'gpg-fails',
    'encryption',
    'gpg or its passphrase is missing',
    [],
    'export the passphrase; gpg --version',
    ['S1.81', 'S1.82'],
  ),
  one(
    'project-deleted',
    'lost-data',
    'rows were deleted by accident',
    ['recover-records', 'recover-volume-records'],
    'recover them from a backup',
    ['S4.71'],
  ),
  one(
    'document-corrupted',
    'lost-data',
    'the file of a document is damaged',
    ['recover-document'],
    'put it back from a backup',
    ['S4.79'],
  ),
  one(
    'exports-harm',
    'exports',
    'exports or reports leak data, or bring the service down',
    ['disable-exports'],
    'turn them off at the edge',
    [],
  ),
  one(
    'no-way-back',
    'configuration',
    'an edit of the settings could not be taken back',
    [],
    'keep a copy of each file as FILE.bak before it is edited',
    ['S2.5', 'S2.6'],
  ),
  one(
    'host-unread',
    'configuration',
    'files of this machine cannot be looked at',
    [],
    'look at the rights of who runs this',
    [],
  ),
]
