import type { Command, Option } from 'commander'
import { shells } from './completion-scripts.ts'

/** A word that could be typed next, and what it is. */
export type Candidate = { readonly value: string; readonly about: string }

/** Names that only the configuration, the runbooks and the journal know. */
export interface Names {
  targets(): Promise<readonly Candidate[]>
  runbooks(): Promise<readonly Candidate[]>
  openRuns(): Promise<readonly Candidate[]>
  runs(): Promise<readonly Candidate[]>
  sections(): Promise<readonly Candidate[]>
  /** The command with the parameters of a runbook as flags. */
  commandOf(runbook: string): Promise<Command>
}

/**
 * What could stand in place of the last word. Empty where files could.
 * @param words what was typed after the program's name; the last one is being typed, and may be empty
 */
export async function candidates(
  program: Command,
  words: readonly string[],
  names: Names,
): Promise<readonly Candidate[]> {
  const typed = words.slice(0, -1)
  const current = words.at(-1) ?? ''
  const { command, positional, awaiting } = await reached(program, typed, names)
  const [flag, named] = flagAndValue(command, current)
  const found =
    awaiting !== null
      ? await valuesOf(awaiting, names)
      : named !== undefined
        ? (await valuesOf(named, names)).map(({ value, about }) => ({ value: `${flag}=${value}`, about }))
        : current.startsWith('-')
          ? flagsOf(command)
          : await wordsFor(program, command, positional, names)
  // A control character would end the line that the shell reads.
  return found.filter(({ value }) => value.startsWith(current) && !/\p{Cc}/u.test(value))
}

/** Of `--target=he`, the flag and its option. */
function flagAndValue(command: Command, current: string): readonly [string, Option | undefined] {
  const [, flag = ''] = /^(--[^=]+)=/.exec(current) ?? []
  return [flag, command.options.find(({ long, required }) => long === flag && required)]
}

/**
 * The words that bash means by its COMP_WORDS, in which words are as they were typed, quotes included, and `=` and `:` are
 * words of their own (bash(1), COMP_WORDBREAKS). Nothing in them is evaluated.
 * @returns the words, and how much of the last one stands before what bash replaces by a candidate
 */
export function wordsOfBash(typed: readonly string[]): {
  readonly words: readonly string[]
  readonly kept: number
} {
  const words: string[] = []
  let kept = 0
  let joins = false
  for (const raw of typed) {
    const before = words.at(-1)
    const isBreak = before !== undefined && (raw === ':' || (raw === '=' && before.startsWith('--')))
    const joined = isBreak || joins
    const word = joined ? `${before}${unquoted(raw)}` : unquoted(raw)
    words.splice(joined ? -1 : words.length, joined ? 1 : 0, word)
    kept = isBreak ? word.length : joins ? (before?.length ?? 0) : 0
    joins = isBreak
  }
  return { words, kept }
}

/** A word of a shell without its quotes; the last one may be open. */
const unquoted = (word: string): string =>
  word.replaceAll(
    /'([^']*)'?|"((?:\\[^]|[^"\\])*)"?|\\([^])/g,
    (_, single: string | undefined, double: string | undefined, escaped: string | undefined) =>
      single ?? double?.replaceAll(/\\(["\\$`])/g, '$1') ?? escaped ?? '',
  )

type Reached = {
  readonly command: Command
  readonly positional: readonly string[]
  /** The option whose value comes next. */
  readonly awaiting: Option | null
}

async function reached(program: Command, typed: readonly string[], names: Names): Promise<Reached> {
  let command = program
  let positional: readonly string[] = []
  let awaiting: Option | null = null
  for (const word of typed) {
    if (awaiting !== null) {
      awaiting = null
      continue
    }
    if (word.startsWith('-')) {
      const option = command.options.find(({ long, short }) => word === long || word === short)
      awaiting = option?.required === true ? option : null
      continue
    }
    const below = positional.length === 0 ? command.commands.find((one) => one.name() === word) : undefined
    if (below !== undefined) command = below
    else {
      positional = [...positional, word]
      if (command.parent === program && command.name() === 'run' && positional.length === 1)
        command = await names.commandOf(word)
    }
  }
  return { command, positional, awaiting }
}

async function valuesOf(option: Option, names: Names): Promise<readonly Candidate[]> {
  if (option.argChoices !== undefined) return option.argChoices.map((value) => ({ value, about: '' }))
  // The parameters of a runbook name their choices in the placeholder.
  const [, choices] = /<([^<>]*\|[^<>]*)>$/.exec(option.flags) ?? []
  if (choices !== undefined && !choices.includes(':'))
    return choices.split('|').map((value) => ({ value, about: '' }))
  return option.long === '--target' ? names.targets() : []
}

const flagsOf = (command: Command): readonly Candidate[] => [
  ...command.options.flatMap(({ long, hidden, description }) =>
    long === undefined || hidden ? [] : [{ value: long, about: description }],
  ),
  { value: '--help', about: 'show the help' },
]

/** `evidence verify`; of the flags of a runbook, which is a command of its own, the name that it has there. */
const pathOf = (command: Command): string =>
  command.parent?.parent === null || command.parent === null
    ? command.name()
    : `${pathOf(command.parent)} ${command.name()}`

const below = (command: Command): readonly Candidate[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .map((one) => ({ value: one.name(), about: one.description() }))

async function wordsFor(
  program: Command,
  command: Command,
  positional: readonly string[],
  names: Names,
): Promise<readonly Candidate[]> {
  const [first, second] = positional
  if (first === undefined && command.commands.length > 0) return below(command)
  const path = pathOf(command)
  if (path === 'help') {
    if (second !== undefined) return []
    if (first === 'config') return names.sections()
    if (first !== undefined) return below(program.commands.find((one) => one.name() === first) ?? command)
    return [
      ...below(program),
      { value: 'config', about: 'what can be configured' },
      { value: 'exit-codes', about: 'what a command exits with' },
    ]
  }
  if (first !== undefined) return []
  switch (path) {
    case 'run':
    case 'show':
      return names.runbooks()
    case 'resume':
    case 'rollback':
    case 'unlock':
    case 'attach':
      return names.openRuns()
    case 'evidence show':
    case 'evidence verify':
    case 'evidence incident':
      return names.runs()
    case 'completion':
      return shells.map((value) => ({ value, about: '' }))
    default:
      return []
  }
}
