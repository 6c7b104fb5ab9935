import type { Writable } from 'node:stream'
import { networkVariables } from '../../drivers/inherited-variables.ts'
import type { Store } from '../../drivers/places.ts'
import type { SecretHandle, Secrets } from '../../drivers/secrets.ts'
import type { Code } from '../../kernel/errors.ts'
import type { StoreDeps } from './places.ts'
import { lastLine, problemIn, storeError, type Signs } from './problems.ts'

/** The most that a listing may take in memory: some 200,000 objects. Bytes. */
const longestListing = 64 << 20

/** What a program is asked for. */
export type Question = {
  /** The act, for messages: `list`. */
  readonly doing: string
  readonly args: readonly string[]
  readonly code?: Code
}

/** Runs the program that speaks to a store. */
export interface StoreProgram {
  /** What it prints. @throws RunbookError which says what the program said */
  text(question: Question): Promise<string>
  /** Its output, as it comes. */
  stream(question: Question, to: Writable): Promise<void>
}

/**
 * @param variables the environment of the program besides what every program gets; secrets are in it and not among
 *   the arguments, which every user of the machine may read
 * @param signs what its messages mean
 */
export function storeProgram(
  store: Store,
  {
    program,
    variables,
    signs,
  }: {
    readonly program: string
    readonly variables: Readonly<Record<string, string>>
    readonly signs: Signs
  },
  { scope, shell, environment }: StoreDeps,
): StoreProgram {
  const env = { ...networkVariables(environment), ...variables }
  const asked = async (question: Question, stdout: { readonly text: number } | Writable): Promise<string> => {
    const ended = await shell.run({ argv: [program, ...question.args], env, stdout }, scope)
    if (ended.exitCode === 0) return ended.stdout
    throw storeError(question.doing, store, {
      problem: problemIn(ended.stderrTail, signs),
      why: lastLine(ended.stderrTail),
      code: question.code ?? 'preflight',
    })
  }
  return {
    text: (question) => asked(question, { text: longestListing }),
    stream: async (question, to) => void (await asked(question, to)),
  }
}

/** The values of secrets, as variables. */
export async function revealed(
  secrets: Secrets,
  handles: { readonly [name: string]: SecretHandle | null },
): Promise<Readonly<Record<string, string>>> {
  const values: Record<string, string> = {}
  for (const [name, handle] of Object.entries(handles))
    if (handle !== null) values[name] = (await secrets.reveal(handle)).reveal()
  return values
}
