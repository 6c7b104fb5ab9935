import { oneLine } from '../kernel/sanitize.ts'
import type { Merged } from './merge.ts'
import type { Proposal, ProposedTarget } from './proposal.ts'

/** Where a value is a guess, and why. */
export type Guess = { readonly where: string; readonly why: string }

export const guessesIn = (targets: readonly ProposedTarget[]): readonly Guess[] =>
  targets.flatMap(({ name, sections }) =>
    sections.flatMap(({ name: section, guessed }) =>
      guessed === null ? [] : [{ where: `${name}.${section}`, why: guessed }],
    ),
  )

/** What people read after the configuration itself. */
export function remarksText(
  { remarks }: Pick<Proposal, 'remarks'>,
  guesses: readonly Guess[],
  { kept }: Pick<Merged, 'kept'>,
): string {
  const lines = [
    ...remarks.map((remark) => `note: ${oneLine(remark)}`),
    ...guesses.map(({ where, why }) => `guessed: ${where}: ${oneLine(why)}`),
    ...(kept.length === 0 ? [] : [`kept as it is: ${kept.map(oneLine).join(', ')}`]),
  ]
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`
}

/** Source text to add, which no screen may break. */
export const byHandText = ({ byHand }: Pick<Merged, 'byHand'>): string =>
  byHand
    .map(
      ({ where, text }) =>
        `add by hand, since the file cannot be read there, to ${oneLine(where)}:\n${text.replaceAll(/^(?=.)/gm, '    ')}\n`,
    )
    .join('')

/**
 * Only what fits what was proposed.
 * @param missing what is not installed yet, as the command that installs it
 */
export function nextText(missing: string | null, targets: readonly ProposedTarget[]): string {
  const all = targets.length > 1
  const [first] = targets
  const has = (name: string): boolean => first?.sections.some((one) => one.name === name) === true
  const engine = first?.sections.find(({ name }) => name === 'database')?.value as
    | { readonly engine?: string }
    | undefined
  const on = all && first !== undefined ? ` --target ${first.name}` : ''
  const rollback = has('writers') ? [`runbook run full-db-rollback${on} --dry-run`] : []
  const commands =
    engine?.engine === 'postgres'
      ? [`runbook run restore-test${on}`, ...rollback]
      : engine?.engine === 'sqlite'
        ? [...(has('writers') ? [] : [`runbook backups${on}`]), `runbook backups find-good${on}`, ...rollback]
        : has('volumeDatabase') && has('backups')
          ? [`runbook backups${on}`, `runbook backups find-good${on}`]
          : [`runbook list${on}`]
  return [
    'Next:',
    ...(missing === null ? [] : [`  ${missing}`]),
    `  runbook doctor${all ? ' --all' : ''}`,
    ...commands.map((command) => `  ${command}`),
    '',
  ].join('\n')
}

/** For editors and `tsc`, written only if asked: Node itself needs none. */
export const tsconfigText = `${JSON.stringify(
  {
    compilerOptions: {
      target: 'es2024',
      module: 'nodenext',
      strict: true,
      noEmit: true,
      allowImportingTsExtensions: true,
      erasableSyntaxOnly: true,
      skipLibCheck: true,
    },
    include: ['runbook.config.ts', 'runbooks'],
  },
  null,
  2,
)}\n`
