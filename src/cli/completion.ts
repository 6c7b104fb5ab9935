import type { Command, Option } from 'commander'

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
  const found =
    awaiting !== null
      ? await valuesOf(awaiting, names)
      : current.startsWith('-')
        ? flagsOf(command)
        : await wordsFor(program, command, positional, names)
  return found.filter(({ value }) => value.startsWith(current))
}

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
      return names.runs()
    case 'completion':
      return shells.map((value) => ({ value, about: '' }))
    default:
      return []
  }
}

export const shells = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof shells)[number]

/**
 * The script that a shell loads. It asks the program for candidates, passing the typed words as they are: nothing that
 * stands on the command line is evaluated. Lines are a value, a tab and its description. Where there is no candidate, the
 * shell completes files.
 */
export const scripts: { readonly [S in Shell]: string } = {
  // bash(1), Programmable Completion: $1 is the command; COMP_WORDS and COMP_CWORD, its words and the current one.
  bash: `_runbook() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <("$1" completion bash -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _runbook runbook
`,
  // zshcompsys(1): words and CURRENT; zshcompwid(1): compadd -d takes what to show for each value.
  zsh: `#compdef runbook
_runbook() {
  local line
  local -a values shown
  while IFS= read -r line; do
    values+=("\${line%%$'\\t'*}")
    shown+=("\${line%%$'\\t'*} -- \${line#*$'\\t'}")
  done < <("\${words[1]}" completion zsh -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#values} )); then compadd -l -d shown -a values; else _files; fi
}
compdef _runbook runbook
`,
  // complete(1) of fish: one candidate a line, with its description after a tab.
  fish: `function __runbook_candidates
  set -l words (commandline -opc)
  set -l program $words[1]
  set -e words[1]
  $program completion fish -- $words (commandline -ct) 2>/dev/null
end
complete -c runbook -a '(__runbook_candidates)'
`,
}
