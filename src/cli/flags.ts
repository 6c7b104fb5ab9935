import { Command, Option } from 'commander'
import { RunbookError } from '../kernel/errors.ts'
import type { Json, JsonObject } from '../kernel/json.ts'
import { flagOf, type AnyParam, type Reading } from '../model/param.ts'
import type { Runbook } from '../model/runbook.ts'
import { paramLines } from '../views/params.ts'
import { answerFlags, collect, type AnswerFlags } from './duties.ts'

/** Flags that every run takes. */
export type RunFlags = AnswerFlags & {
  readonly target?: string
  readonly dryRun?: true
  readonly yes?: true
  readonly confirm?: string
  readonly story?: string
  readonly reason?: string
  readonly json?: true
}

/** The raw options as parsed by commander. */
type Typed = { readonly [attribute: string]: string | boolean | undefined }

/** `RUNBOOK_PARAM_BAD_SINCE` for `badSince`. */
const variableOf = (name: string): string =>
  `RUNBOOK_PARAM_${flagOf(name).slice(2).replaceAll('-', '_').toUpperCase()}`

/** Adds the flags that every run takes. */
function addCommonFlags(command: Command): void {
  command
    .option('--target <name>', 'the system to work on')
    .option('--dry-run', 'inspect the real system and predict each step; change nothing')
    .option('--yes', 'answer yes to questions that ask for no phrase')
    .option('--confirm <phrase>', 'the phrase that the runbook asks for, where there is no terminal')
    .option(...answerFlags[0], collect)
    .option(...answerFlags[1], collect)
    .option('--story <id>', 'the story or incident that the evidence belongs to')
    .option('--reason <text>', 'why it is run; recorded in the evidence')
    .option('--json', 'print one JSON object per line: events, then the result')
}

const variables = [
  ['RUNBOOK_PARAM_NAME', 'the parameter --name of the runbook, where the flag is not given'],
  ['RESTORE_CONFIRM=YES', 'the approval without a terminal, for runbooks that accept it'],
  ['XDG_STATE_HOME', 'the folder with the state folder `runbook`; default: ~/.local/state'],
  ['NO_COLOR', 'turns colours off'],
  ['RUNBOOK_PLAIN=1', 'plain lines that are never redrawn, as for a screen reader'],
] as const

/** What `runbook run --help` adds: the flags of every run, the environment variables, two examples. */
export function runHelp(): string {
  const any = new Command()
  addCommonFlags(any)
  const flags = any.options.map(({ flags, description }) => [flags, description] as const)
  return [
    '',
    'Flags of every run; each runbook adds its parameters:',
    ...columns(flags),
    '',
    'Environment variables:',
    ...columns(variables),
    '',
    'Examples:',
    '  runbook run diagnose --target shop',
    '  runbook run full-db-rollback --target shop --bad-since 2026-02-03T04:12:00Z --dry-run',
    '',
    '`runbook run NAME --help` shows the parameters of a runbook, `runbook help exit-codes` what a run exits with.',
  ].join('\n')
}

function columns(rows: readonly (readonly [name: string, about: string])[]): readonly string[] {
  const width = Math.max(...rows.map(([name]) => name.length)) + 2
  return rows.map(([name, about]) => `  ${name.padEnd(width)}${about}`)
}

/**
 * The command `runbook run NAME`, with the runbook's parameters as flags.
 * @throws RunbookError `usage` for a parameter whose flag is already a flag of every run
 */
export function runCommandFor(book: Runbook): Command {
  const command = new Command(`runbook run ${book.name}`)
    .description(`${book.about.title}\n\nWhen: ${book.about.when}`)
    .usage('[flags]')
  addCommonFlags(command)
  const taken = new Set(command.options.map((option) => option.long).concat('--help'))
  const lines = paramLines(book.about.params)
  for (const [index, [name, param]] of Object.entries(book.about.params).entries()) {
    const flag = flagOf(name)
    if (taken.has(flag)) {
      throw new RunbookError(
        'usage',
        `parameter ${name} of runbook ${book.name} conflicts with ${flag}, a flag of every run`,
        { hint: 'rename the parameter' },
      )
    }
    taken.add(flag)
    const about = lines[index]
    const variables = [variableOf(name), ...(param.variable === null ? [] : [param.variable])].join(', ')
    const help = `${param.help} (${about?.given}; or ${variables})`
    command.addOption(new Option(param.kind === 'flag' ? flag : `${flag} <${about?.value}>`, help))
    if (param.kind === 'flag')
      command.addOption(
        new Option(`--no-${flag.slice(2)}`, `not: ${param.help}`).hideHelp(param.fallback !== true),
      )
  }
  return command
}

/**
 * Reads parameters from flags, then environment variables, then defaults. Reports all mistakes at once.
 * @throws RunbookError `usage` for missing or invalid parameters
 */
export function paramsFrom(
  book: Runbook,
  typed: Typed,
  environment: { readonly [name: string]: string | undefined },
  reading: Reading,
): JsonObject {
  const params: Record<string, Json> = {}
  const missing: string[] = []
  const wrong: string[] = []
  for (const [name, param] of Object.entries(book.about.params)) {
    const given = givenFor(name, param, typed, environment)
    if (given === undefined) {
      if (param.fallback === undefined) missing.push(flagOf(name))
      else params[name] = param.fallback as Json
      continue
    }
    try {
      params[name] = typeof given.raw === 'boolean' ? given.raw : (param.parse(given.raw, reading) as Json)
    } catch (thrown) {
      wrong.push(`${given.from}: ${(thrown as Error).message}`)
    }
  }
  const faults = [...wrong, ...(missing.length === 0 ? [] : [`missing: ${missing.join(', ')}`])]
  if (faults.length === 0) return params
  throw new RunbookError('usage', `cannot run ${book.name}:\n${faults.map((one) => `  ${one}`).join('\n')}`, {
    hint: `check: runbook run ${book.name} --help`,
  })
}

function givenFor(
  name: string,
  param: AnyParam,
  typed: Typed,
  environment: { readonly [name: string]: string | undefined },
): { readonly raw: string | boolean; readonly from: string } | undefined {
  const flag = flagOf(name)
  const option = new Option(param.kind === 'flag' ? flag : `${flag} <value>`)
  const raw = typed[option.attributeName()]
  if (raw !== undefined) return { raw, from: flag }
  const variable = environment[variableOf(name)]
  if (variable !== undefined) return { raw: variable, from: variableOf(name) }
  // An empty variable counts as not set, as shell scripts usually treat it.
  const old = param.variable === null ? undefined : environment[param.variable]
  return old === undefined || old === '' ? undefined : { raw: old, from: String(param.variable) }
}
