import { parse, type AssignmentPrefix, type Command, type SyntaxNode, type Word } from 'unbash'

export type Scope = 'loop' | 'condition' | 'then' | 'else' | 'function' | 'subshell' | 'substitution'

/** One program that a shell would start, with its quotes removed and its expansions as they are written. */
export type Call = {
  /** From 1, in the document. */
  readonly line: number
  readonly text: string
  /** Without its folder; empty if the command only sets variables. */
  readonly program: string
  /** As written, such as `./scripts/restore.sh`. */
  readonly path: string
  readonly args: readonly string[]
  /** Set for this command only or, if there is no program, for those after it. */
  readonly variables: ReadonlyMap<string, string>
  readonly reads: readonly string[]
  readonly writes: readonly string[]
  /** Those of `writes` to which is only added. */
  readonly appends: readonly string[]
  /** The text of a here-document or here-string. */
  readonly input: string | null
  /** The programs that start this one, such as `sudo` and `timeout`. */
  readonly wrappers: readonly string[]
}

/** A command or a pipeline. */
export type Line = {
  readonly line: number
  readonly text: string
  readonly stages: readonly [Call, ...Call[]]
  /** What it is inside of, outermost first. */
  readonly within: readonly Scope[]
  /** The `if` that it is a branch or condition of, by position; null outside. */
  readonly branch: number | null
  /** Whether a failure before the last stage is noticed. */
  readonly pipefail: boolean
}

export type Shell = {
  readonly lines: readonly Line[]
  /** What the parser could not read. */
  readonly errors: readonly { readonly line: number; readonly message: string }[]
}

/** @param first the line of the document on which the code begins */
export function readShell(code: string, first: number): Shell {
  const script = parse(withoutPlaceholders(code))
  const lines: Line[] = []
  const lineAt = (position: number): number => first + (code.slice(0, position).match(/\n/g)?.length ?? 0)
  let pipefail = false

  const add = (
    node: SyntaxNode,
    commands: readonly Command[],
    within: readonly Scope[],
    branch: number | null,
  ) => {
    const [head, ...more] = commands.map((command) => callOf(command, code, lineAt(command.pos)))
    if (head === undefined) return
    const text = code.slice(node.pos, node.end)
    lines.push({ line: lineAt(node.pos), text, stages: [head, ...more], within, branch, pipefail })
    // A subshell's own `set` is not followed out of it: a document that uses one says what it means.
    if (head.program === 'set' && head.args.includes('pipefail')) pipefail = true
  }

  const visit = (node: SyntaxNode, within: readonly Scope[], branch: number | null): void => {
    const below = (child: SyntaxNode | undefined, scope: Scope, at: number | null = branch): void => {
      if (child !== undefined) visit(child, [...within, scope], at)
    }
    switch (node.type) {
      case 'Script':
      case 'CompoundList':
        for (const statement of node.commands) visit(statement, within, branch)
        return
      case 'Statement':
      case 'Redirected':
        return visit(node.command, within, branch)
      case 'AndOr':
        for (const command of node.commands) visit(command, within, branch)
        return
      case 'Pipeline': {
        const commands = node.commands.filter((command) => command.type === 'Command')
        for (const command of node.commands) if (command.type !== 'Command') visit(command, within, branch)
        add(node, commands, within, branch)
        for (const command of commands) substitutions(command, within, branch)
        return
      }
      case 'Command':
        add(node, [node], within, branch)
        return substitutions(node, within, branch)
      case 'If':
        below(node.clause, 'condition', node.pos)
        below(node.then, 'then', node.pos)
        for (const { clause, then } of node.elif) {
          below(clause, 'condition', node.pos)
          below(then, 'then', node.pos)
        }
        return below(node.else, 'else', node.pos)
      case 'While':
        below(node.clause, 'loop')
        return below(node.body, 'loop')
      case 'For':
      case 'ArithmeticFor':
      case 'Select':
        return below(node.body, 'loop')
      case 'Function':
      case 'Coproc':
        return below(node.body, 'function')
      case 'Subshell':
        return below(node.body, 'subshell')
      case 'BraceGroup':
        return visit(node.body, within, branch)
      case 'Case':
        for (const { body } of node.items) below(body, 'then', node.pos)
        return
      default:
    }
  }

  const substitutions = (command: Command, within: readonly Scope[], branch: number | null): void => {
    const inParts = (parts: Word['parts']): void => {
      for (const part of parts ?? []) {
        if (part.type === 'DoubleQuoted') inParts(part.parts)
        else if (part.type === 'CommandExpansion' || part.type === 'ProcessSubstitution') {
          // Escaped backticks are decoded into a text of their own, whose positions are not those of the document.
          if (part.script !== undefined && part.script.source === undefined)
            visit(part.script, [...within, 'substitution'], branch)
        }
      }
    }
    for (const word of [...assignmentsIn(command).map(({ value }) => value), ...wordsIn(command)])
      if (word.type === 'Word') inParts(word.parts)
  }

  visit(script, [], null)
  const errors = (script.errors ?? []).map(({ message, pos }) => ({ line: lineAt(pos), message }))
  return { lines: lines.sort((one, other) => one.line - other.line), errors }
}

const assignmentsIn = (command: Command): readonly AssignmentPrefix[] =>
  [...command.prefix, ...command.args].filter((node) => node.type === 'Assignment')

const wordsIn = (command: Command): readonly Word[] => [
  ...(command.name === undefined ? [] : [command.name]),
  ...command.args.filter((arg) => arg.type === 'Word'),
  ...command.redirects.flatMap((redirect) =>
    redirect.type !== 'HereDoc' && redirect.target !== undefined ? [redirect.target] : [],
  ),
]

function callOf(command: Command, code: string, line: number): Call {
  const words = [command.name, ...command.args].flatMap((word) =>
    word === undefined ? [] : [word.type === 'Word' ? word.value : word.text],
  )
  const variables = new Map<string, string>()
  for (const { name, value } of assignmentsIn(command))
    variables.set(name, value.type === 'Word' ? value.value : code.slice(value.pos, value.end))
  const { wrappers, argv } = unwrapped(words, variables)
  const [path = '', ...args] = argv
  const reads: string[] = []
  const writes: string[] = []
  const appends: string[] = []
  let input: string | null = null
  for (const redirect of command.redirects) {
    if (redirect.type === 'HereDoc') input = redirect.body.text
    else if (redirect.type === 'HereString') input = redirect.target?.value ?? ''
    else if (redirect.target !== undefined && redirect.operator === '<') reads.push(redirect.target.value)
    else if (redirect.target !== undefined && /^(>|>>|>\||&>|&>>)$/.test(redirect.operator)) {
      writes.push(redirect.target.value)
      if (redirect.operator.endsWith('>>')) appends.push(redirect.target.value)
    }
  }
  const text = code.slice(command.pos, command.end)
  return {
    line,
    text,
    program: baseName(path),
    path,
    args,
    variables,
    reads,
    writes,
    appends,
    input,
    wrappers,
  }
}

/** `<dump>` is a blank to fill in, which a shell would read as redirections. Every place stays where it is. */
const withoutPlaceholders = (code: string): string =>
  code.replaceAll(/<([A-Za-z][\w-]*)>/g, (_, name: string) => `{${name}}`)

export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** The options of programs that start another one which take a value of their own. */
const wrapping: {
  readonly [program: string]: { readonly valued: readonly string[]; readonly operands: number }
} = {
  sudo: { valued: ['-u', '-g', '-h', '-p', '-C', '-D'], operands: 0 },
  doas: { valued: ['-u', '-C'], operands: 0 },
  time: { valued: ['-f', '-o'], operands: 0 },
  nohup: { valued: [], operands: 0 },
  exec: { valued: ['-a'], operands: 0 },
  nice: { valued: ['-n'], operands: 0 },
  ionice: { valued: ['-c', '-n'], operands: 0 },
  timeout: { valued: ['-s', '-k', '--signal', '--kill-after'], operands: 1 },
  env: { valued: ['-u', '-C'], operands: 0 },
}

function unwrapped(
  words: readonly string[],
  variables: Map<string, string>,
): { readonly wrappers: readonly string[]; readonly argv: readonly string[] } {
  const wrappers: string[] = []
  let argv = words
  for (;;) {
    const [program = ''] = argv
    const known = Object.hasOwn(wrapping, baseName(program)) ? wrapping[baseName(program)] : undefined
    if (known === undefined) return { wrappers, argv }
    let at = 1
    while (argv[at]?.startsWith('-') === true) at += known.valued.includes(argv[at] ?? '') ? 2 : 1
    at += known.operands
    const set = (word = ''): RegExpExecArray | null => /^([A-Za-z_]\w*)=(.*)$/s.exec(word)
    const takes = baseName(program) === 'env' || baseName(program) === 'sudo'
    if (takes)
      for (let found = set(argv[at]); found !== null; found = set(argv[++at]))
        variables.set(found[1] ?? '', found[2] ?? '')
    // `env` alone prints the environment: it starts nothing.
    if (argv[at] === undefined) return { wrappers, argv }
    wrappers.push(baseName(program))
    argv = argv.slice(at)
  }
}
