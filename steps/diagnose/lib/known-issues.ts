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
}

const issue = (
  id: string,
  symptom: Symptom,
  cause: string,
  next: readonly string[],
  act: string,
): KnownIssue => ({ id, symptom, cause, next, act })

/** By rank where several match: the case that explains the most comes first. */
export const knownIssues: readonly KnownIssue[] = [
  issue(
    'stack-missing',
    'configuration',
    'this is not the machine of the stack, or its files were removed',
    [],
    'check the paths of the stack in runbook.config.ts',
  ),
  issue(
    'project-differs',
    'configuration',
    'the stack runs under another Compose project name than the target has',
    [],
    'set stack.project to the name that `docker compose ls` shows',
  ),
  issue(
    'compose-broken',
    'configuration',
    'Compose cannot read the files of the stack',
    ['auth-rollback --what compose'],
    'correct what Compose reports, or restore the copy from before the edit',
  ),
  issue(
    'services-unread',
    'configuration',
    'the services cannot be looked at, for the reason above',
    [],
    'remove that reason, then run diagnose again',
  ),
  issue(
    'daemon-settings',
    'daemon',
    'the Docker daemon does not start with its settings',
    ['auth-rollback --what daemon'],
    'restore daemon.json.bak, then restart Docker',
  ),
  issue(
    'auth-refused',
    'auth',
    'an edit of pg_hba.conf refuses the application',
    ['auth-rollback --what pg-hba'],
    'restore pg_hba.conf.bak, then restart Postgres',
  ),
  issue(
    'database-locked',
    'health',
    'another process keeps the database file locked',
    [],
    'stop all containers, then start them again',
  ),
  issue(
    'database-away',
    'health',
    'the database does not answer, or accepts no writes',
    [],
    'start the database service, and check its log',
  ),
  issue(
    'database-damaged',
    'lost-data',
    'the database file fails its integrity check',
    ['sqlite-restore', 'full-db-rollback'],
    'restore from a backup',
  ),
  issue(
    'data-wrong',
    'wrong-data',
    'the data is wrong',
    ['sqlite-restore', 'full-db-rollback'],
    'restore from a backup taken before the damage',
  ),
  issue(
    'out-of-memory',
    'start',
    'the service needs more memory than its limit',
    [],
    'raise its limit, or find out what uses the memory',
  ),
  issue(
    'model-missing',
    'health',
    'the configured model file does not exist',
    ['config-rollback'],
    'compare LLM_MODEL_PATH with the file',
  ),
  issue(
    'port-taken',
    'health',
    'another process holds the port',
    [],
    'find out which process listens there, and stop it',
  ),
  issue('disk-full', 'start', 'a disk is full', ['prune'], 'find out what uses the space: df -h; du -sh'),
  issue(
    'volume-missing',
    'start',
    'a volume of the service does not exist',
    [],
    'find the volume before you start anything again',
  ),
  issue(
    'permissions-wrong',
    'start',
    'the service is not allowed to read its own files',
    [],
    'check owner and mode in the data folder',
  ),
  issue(
    'downgrade-refused',
    'migration',
    'the downgrade would delete data',
    ['migration-downgrade', 'sqlite-downgrade'],
    'dump the table before it is dropped',
  ),
  issue(
    'migration-mismatch',
    'migration',
    'the migration level is not the one that the application expects',
    ['migration-downgrade', 'sqlite-downgrade'],
    'compare the revision with the image',
  ),
  issue(
    'wrong-backup',
    'wrong-data',
    'the wrong backup was restored',
    ['sqlite-restore', 'full-db-rollback'],
    'check the newest rows and the time of the file',
  ),
  issue(
    'service-stopped',
    'start',
    'a service is stopped that should run',
    [],
    'start it with the command that `runbook doctor` shows; if it stops again, look at its log',
  ),
  issue(
    'deploy-failed',
    'app',
    'the new version fails',
    ['container-rollback', 'version-rollback', 'rapid-rollback', 'stack-rollback'],
    'go back to the previous version',
  ),
  issue(
    'configuration-bad',
    'configuration',
    'a change of the settings broke the application',
    ['config-rollback'],
    'restore the previous settings',
  ),
  issue(
    'image-missing',
    'image',
    'neither the image nor its archive exists',
    ['stack-rollback', 'version-rollback'],
    'pull it, or build it from the commit in the lock file and give it the archived tag',
  ),
  issue(
    'backup-stale',
    'backup',
    'there is no backup, or the newest is too old',
    ['data-backup'],
    'find out why none arrived before you restore anything',
  ),
  issue(
    'mount-unavailable',
    'mount',
    'the backup drive is not mounted',
    [],
    'mount it, and sign in to the drive again',
  ),
  issue(
    'checksum-mismatch',
    'checksum',
    'an archive was truncated or edited',
    ['data-backup', 'release-snapshot'],
    'create it again, and find out what changed it',
  ),
  issue(
    'checksum-missing',
    'checksum',
    'the newest backup has no checksum or signed manifest, and one is required',
    [],
    "sha256sum FILE > FILE.sha256 beside it; or set checksums: 'if-present' for that folder in runbook.config.ts; for a dump where signed backups are required: runbook run sign-backup",
  ),
  issue(
    'backup-unusable',
    'backup',
    'no runbook can restore the newest dump: its form is not known, or what opens it is missing',
    [],
    'docs/targets.md lists the forms that are read; choose an older dump with --dump until the next one fits',
  ),
  issue(
    'gpg-fails',
    'encryption',
    'gpg or its passphrase is missing',
    [],
    'export the passphrase; gpg --version',
  ),
  issue(
    'project-deleted',
    'lost-data',
    'rows were deleted by accident',
    ['recover-records', 'recover-volume-records'],
    'recover them from a backup',
  ),
  issue(
    'document-corrupted',
    'lost-data',
    'the file of a document is damaged',
    ['recover-document'],
    'restore it from a backup',
  ),
  issue(
    'exports-harm',
    'exports',
    'exports or reports leak data, or bring the service down',
    ['disable-exports'],
    'turn them off at the edge',
  ),
  issue(
    'no-way-back',
    'configuration',
    'an edit of the settings could not be undone',
    [],
    'keep a copy of each file as FILE.bak before it is edited',
  ),
  issue(
    'host-unread',
    'configuration',
    'files of this machine cannot be read',
    [],
    'check the permissions of the user who runs this',
  ),
]
