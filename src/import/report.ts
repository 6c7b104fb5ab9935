import { oneLine } from '../kernel/sanitize.ts'
import { hidden, withoutCredentials } from './credentials.ts'
import { readProcedure, type Procedure, type Step } from './procedure.ts'
import { recognise } from './recognise.ts'
import type { WrittenDuty } from './duties.ts'
import { factsOf, type ComposeFilesIn } from './facts.ts'
import type { Recognised } from './recogniser.ts'
import { proofOf } from './proofs.ts'
import { askedOutside, ifItFails } from './chapters.ts'
import { filesOf, sourcesOf, type ImportedFile, type Source } from './source.ts'
import type { Trap } from './trap.ts'
import { trapsIn } from './traps.ts'

export type Row = {
  readonly line: number
  readonly command: string
  readonly becomes: Recognised | null
  /** It is written as a script step that is refused until somebody has completed it. */
  readonly draft: boolean
  /** What the document does if it fails: a rollback does that. */
  readonly leftToRollback: boolean
}

export type ImportReport = {
  readonly rows: readonly Row[]
  readonly traps: readonly Trap[]
  /** What each step that acts is proven by, with the lines that led to it. */
  readonly proofs: readonly ChosenProof[]
  /** Lines with a value that looks like a credential; it is copied nowhere. */
  readonly credentials: readonly number[]
  /** What a person is asked to do. */
  readonly duties: readonly WrittenDuty[]
  /** Those that are in no runbook, since no command stands under their heading. */
  readonly unplaced: readonly WrittenDuty[]
  /** Blocks or lines of other languages, of output, of names. */
  readonly samples: Procedure['samples']
  /** Shell that could not be read. */
  readonly unread: Procedure['unread']
}

export type ChosenProof = {
  readonly step: string
  readonly lines: readonly number[]
  readonly proof: string
}

/** What an import of a Markdown document does with each of its commands, and the traps in it. */
export const reportOn = (markdown: string): ImportReport => importOf('', markdown).report

/**
 * A Markdown document as runbooks: their files, and the report on each command.
 * @param name of the document, for comments and descriptions
 */
export function importOf(
  name: string,
  markdown: string,
  composeFilesIn: ComposeFilesIn = () => [],
): { readonly report: ImportReport; readonly files: readonly ImportedFile[] } {
  const { text, lines: credentials } = withoutCredentials(markdown)
  const document = readProcedure(text)
  const { samples, unread } = document
  // What a substitution runs is part of the command around it.
  const commands = document.steps.filter(({ shell }) => !shell.within.includes('substitution'))
  const becomes = new Map(
    commands.map((step, index) => [
      step,
      recognise(step, ofSame(commands.slice(0, index), step), ofSame(commands.slice(index + 1), step)),
    ]),
  )
  const facts = factsOf(document, composeFilesIn)
  const sources = sourcesOf(name, document, becomes, facts)
  return {
    report: {
      rows: [...becomes].map(([step, what]) => ({
        line: step.line,
        command: step.text,
        becomes: what,
        draft: sources.some(({ drafted }) => drafted.has(step)),
        leftToRollback: ifItFails(step.headings),
      })),
      proofs: proofsOf(sources),
      duties: distinctDuties(sources.flatMap(({ duties }) => duties)),
      unplaced: askedOutside(document, becomes).map(({ line, text }) => ({ line, text })),
      traps: trapsIn(document),
      credentials,
      samples,
      unread,
    },
    files: filesOf(sources, facts),
  }
}

function proofsOf(sources: readonly Source[]): readonly ChosenProof[] {
  const found = sources.flatMap(({ calls, scripts }) =>
    calls.flatMap(({ step, input, line }) => {
      const isScript = scripts.some(({ name }) => name === step)
      const proof = isScript ? 'none yet: write its probe' : proofOf(step, input)
      return proof === null ? [] : [{ step, line, proof }]
    }),
  )
  return [...Map.groupBy(found, ({ step, proof }) => `${step} ${proof}`).values()].flatMap((calls) => {
    const [first] = calls
    const lines = [...new Set(calls.flatMap(({ line }) => line ?? []))].toSorted((one, other) => one - other)
    return first === undefined ? [] : [{ step: first.step, proof: first.proof, lines }]
  })
}

const ofSame = (others: readonly Step[], { procedure }: Step): readonly Step[] =>
  others.filter((step) => step.procedure?.line === procedure?.line)

const outcome = ({ becomes, draft, leftToRollback }: Row): string => {
  if (leftToRollback && becomes?.as !== 'look' && becomes?.as !== 'built-in')
    return 'left out: a run that fails rolls back by itself'
  const script = draft ? 'script step (draft)' : 'script step'
  if (becomes === null) return draft ? `stays a command: ${script}` : 'stays a command'
  if (becomes.as === 'script') return script
  if (becomes.as === 'step')
    return draft ? `${script}; the library has ${becomes.step}` : `step ${becomes.step}`
  return becomes.as === 'look' ? `only looks: ${becomes.shows}` : `not needed: ${becomes.what}`
}

/** What comes before several procedures is a duty of each. */
const distinctDuties = (duties: readonly WrittenDuty[]): readonly WrittenDuty[] =>
  [...new Map(duties.map((duty) => [duty.line, duty])).values()].toSorted(
    (one, other) => one.line - other.line,
  )

/** The report as Markdown; for a screen with a list in place of its table, which no screen is wide enough for. */
export function reportText(
  name: string,
  { rows, traps, proofs, credentials, duties, unplaced, samples, unread }: ImportReport,
  commandsAs: 'table' | 'list' = 'table',
): string {
  const recognised = rows.filter(({ becomes }) => becomes !== null).length
  const drafts = rows.filter(({ draft }) => draft).length
  return [
    `# Import of ${oneLine(name)}`,
    '',
    `${rows.length} commands: ${recognised} recognised, ${rows.length - recognised} stay commands. Script steps to complete: ${drafts}. Duties: ${duties.length}. Traps: ${traps.length}.`,
    '',
    '## Traps',
    '',
    ...(traps.length === 0 ? ['None found.'] : traps.flatMap(trapLines)),
    '',
    '## Commands',
    '',
    ...(commandsAs === 'table'
      ? [
          '| line | command | becomes |',
          '| ---: | --- | --- |',
          ...rows.map((row) => `| ${row.line} | ${cell(row.command)} | ${outcome(row)} |`),
        ]
      : rows.flatMap((row) => [`- line ${row.line}: ${code(row.command)}`, `    ${outcome(row)}`])),
    '',
    ...section(
      '## Proofs',
      proofs.map(
        ({ step, lines, proof }) =>
          `- \`${step}\` (line${lines.length === 1 ? '' : 's'} ${lines.join(', ')}): ${proof}.`,
      ),
    ),
    ...section(
      '## Credentials',
      credentials.length === 0
        ? []
        : [
            `Values that look like credentials are not copied; ${hidden} stands for them. Name them with \`secret('VARIABLE')\`, and change them: whoever reads the document knows them.`,
            '',
            `Lines: ${credentials.join(', ')}`,
          ],
    ),
    ...section(
      '## Duties',
      duties.map(({ line, text }) => `- line ${line}: ${oneLine(text)}`),
    ),
    ...section(
      '## Duties that are in no runbook',
      unplaced.map(
        ({ line, text }) => `- line ${line}: ${oneLine(text)} (no command stands under its heading)`,
      ),
    ),
    ...section(
      '## Not commands',
      samples.map(({ line, text }) => `- line ${line}: ${code(text)}`),
    ),
    ...section(
      '## Not readable as shell',
      unread.map(({ line, message }) => `- line ${line}: ${oneLine(message)}`),
    ),
  ].join('\n')
}

const section = (title: string, lines: readonly string[]): readonly string[] =>
  lines.length === 0 ? [] : [title, '', ...lines, '']

const trapLines = ({ name, line, text, reason, cure }: Trap): readonly string[] => [
  `- line ${line}, ${name}: ${code(text)}`,
  `  Why: ${oneLine(reason)}.`,
  `  Instead: ${oneLine(cure)}.`,
]

/** The first line of a text, as code that no backtick of its own can end. */
function code(text: string): string {
  const [first = '', ...more] = text.split('\n')
  const shown = oneLine(more.length === 0 ? first : `${first} …`)
  const fence = '`'.repeat(Math.max(0, ...(shown.match(/`+/g) ?? []).map(({ length }) => length)) + 1)
  const space = shown.startsWith('`') || shown.endsWith('`') ? ' ' : ''
  return `${fence}${space}${shown}${space}${fence}`
}

const cell = (text: string): string => code(text).replaceAll('|', String.raw`\|`)
