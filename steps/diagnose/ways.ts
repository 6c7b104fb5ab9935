import type { Section } from '../../src/index.ts'

/** A runbook that a finding may send to. */
export type Way = {
  readonly runbook: string
  /** As the runbook says itself; a test holds them equal. */
  readonly needs: readonly Section[]
  /** Flags that it cannot do without, with words in capitals for what only a person knows. */
  readonly flags: string
}

export const ways: readonly Way[] = [
  { runbook: 'auth-rollback', needs: ['access', 'health'], flags: ' --what WHAT' },
  { runbook: 'config-rollback', needs: ['configuration', 'health'], flags: '' },
  {
    runbook: 'container-rollback',
    needs: [
      'deployments',
      'imageLine',
      'writers',
      'volumeDatabase',
      'configuration',
      'retention',
      'health',
      'logScan',
      'operators',
    ],
    flags: '',
  },
  { runbook: 'data-backup', needs: ['data', 'staging'], flags: '' },
  { runbook: 'disable-exports', needs: ['exports', 'health'], flags: '' },
  {
    runbook: 'full-db-rollback',
    needs: ['database', 'backups', 'writers', 'health', 'smoke', 'assertions', 'retention'],
    flags: ' --bad-since WHEN',
  },
  {
    runbook: 'migration-downgrade',
    needs: ['version', 'migrations', 'database', 'writers', 'health', 'retention'],
    flags: ' --with TAG',
  },
  { runbook: 'rapid-rollback', needs: ['app', 'health'], flags: ' --to TAG' },
  { runbook: 'recover-document', needs: ['documents', 'staging'], flags: ' --document ID' },
  { runbook: 'prune', needs: [], flags: '' },
  {
    runbook: 'recover-records',
    needs: ['database', 'backups'],
    flags: ' --tables TABLE:COLUMN --key KEY --export FOLDER',
  },
  {
    runbook: 'recover-volume-records',
    needs: ['volumeDatabase', 'backups', 'writers', 'health', 'retention', 'staging'],
    flags: ' --key KEY --export FOLDER',
  },
  { runbook: 'release-snapshot', needs: ['release'], flags: '' },
  {
    runbook: 'sqlite-downgrade',
    needs: ['volumeDatabase', 'migrations', 'writers', 'health', 'retention', 'staging'],
    flags: '',
  },
  {
    runbook: 'sqlite-restore',
    needs: [
      'volumeDatabase',
      'backups',
      'writers',
      'health',
      'assertions',
      'retention',
      'staging',
      'operators',
    ],
    flags: '',
  },
  { runbook: 'stack-rollback', needs: ['images'], flags: ' --env ENVIRONMENT' },
  { runbook: 'version-rollback', needs: ['version', 'migrations', 'database', 'health'], flags: ' --to TAG' },
]

/** The exact command line of the first runbook that exists and fits the target; null where none does. */
export function wayTo(
  next: readonly string[],
  target: string,
  sections: readonly string[],
): { readonly runbook: string; readonly command: string } | null {
  const fitting = next.flatMap((given) => {
    const [name = '', ...flags] = given.split(' ')
    const found = ways.filter(
      ({ runbook, needs }) => runbook === name && needs.every((section) => sections.includes(section)),
    )
    return found.map(({ runbook, flags: usual }) => ({
      runbook,
      flags: flags.length === 0 ? usual : ` ${flags.join(' ')}`,
    }))
  })
  const [way] = fitting
  return way === undefined
    ? null
    : { runbook: way.runbook, command: `runbook run ${way.runbook} --target ${target}${way.flags} --dry-run` }
}
