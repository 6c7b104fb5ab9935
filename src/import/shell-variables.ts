import type { Step } from './procedure.ts'

/** A variable that earlier commands of a procedure set, and a script step needs. */
export type ShellVariable = {
  readonly name: string
  /** Null: only the shell knows it, so the runbook asks for it. */
  readonly value: string | null
  /** The command that sets it; null where none does. */
  readonly line: number | null
  readonly isSecret: boolean
}

const setters = new Set(['', 'export', 'declare', 'local', 'readonly', 'typeset'])
const secret = /PASS(WORD|PHRASE|WD)?$|SECRET|TOKEN|(^|_)KEY$|CREDENTIAL/i

/**
 * The variables that a command needs and its script step has to be given: those that earlier commands of its procedure set, if its text names
 * or they export them, and those in its text that nothing sets. A script step runs in a shell of its own.
 * @param all the commands of the procedure, in order
 */
export function variablesFor(step: Step, all: readonly Step[]): readonly ShellVariable[] {
  const known = new Map<string, ShellVariable & { readonly exported: boolean }>()
  for (const { main, line, shell } of all.slice(0, all.indexOf(step))) {
    if (shell.within.includes('function')) continue
    for (const [name, written] of setters.has(main.program) ? main.variables : []) {
      const value = expanded(written, (one) => known.get(one)?.value ?? null)
      const exported = main.program === 'export' || known.get(name)?.exported === true
      known.set(name, { name, value, line, isSecret: secret.test(name), exported })
    }
    for (const name of main.program === 'export' ? main.args : []) {
      const there = known.get(name)
      if (there !== undefined) known.set(name, { ...there, exported: true })
    }
    for (const name of main.program === 'read' ? main.args.filter(isName) : [])
      known.set(name, { name, value: null, line, isSecret: secret.test(name), exported: false })
  }
  const named = new Set(namesIn(`${step.text}\n${step.main.input ?? ''}`))
  const set = [...known.values()]
    .filter(({ name, exported }) => (exported || named.has(name)) && !step.main.variables.has(name))
    .map(({ name, value, line, isSecret }) => ({ name, value, line, isSecret }))
  // A loop sets its own.
  const unset = step.shell.within.includes('loop')
    ? []
    : [...named].filter(
        (name) =>
          /^[A-Z][A-Z0-9_]+$/.test(name) && !known.has(name) && !given.has(name) && !isSetIn(step, name),
      )
  return [...set, ...unset.map((name) => ({ name, value: null, line: null, isSecret: secret.test(name) }))]
}

/** Variables that every program gets. */
const given = new Set(
  'HOME PATH USER LOGNAME PWD OLDPWD SHELL LANG TZ TMPDIR HOSTNAME UID EUID IFS RANDOM SECONDS'.split(' '),
)

const isSetIn = ({ text, main }: Step, name: string): boolean =>
  main.variables.has(name) || new RegExp(String.raw`(?:^|\W)${name}=|\bread\b.*\b${name}\b`).test(text)

const isName = (word: string): boolean => /^[A-Za-z_]\w*$/.test(word)

const namesIn = (text: string): readonly string[] =>
  [...text.matchAll(/\$\{?([A-Za-z_]\w*)/g)].map(([, name = '']) => name)

/** The text with the values of variables in it; null where it has another expansion. */
function expanded(text: string, valueOf: (name: string) => string | null): string | null {
  let isKnown = true
  const value = text.replaceAll(
    /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g,
    (_, braced?: string, bare?: string) => {
      const found = valueOf(braced ?? bare ?? '')
      isKnown &&= found !== null
      return found ?? ''
    },
  )
  return isKnown && !/[$`]|^~|[<{][A-Za-z][\w-]*[>}]/.test(value) ? value : null
}

/** A function that puts the values of variables into a text as the document writes them, expansions such as `$(date)` included. */
export function writtenValues(steps: readonly Step[]): (text: string) => string {
  const values = new Map<string, string>()
  const filled = (text: string): string =>
    text.replaceAll(
      /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g,
      (written, braced?: string, bare?: string) => values.get(braced ?? bare ?? '') ?? written,
    )
  for (const { main } of steps)
    if (setters.has(main.program)) for (const [name, value] of main.variables) values.set(name, filled(value))
  return filled
}
