import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { exits } from '../src/kernel/errors.ts'
import { millisecondsOf } from './row.ts'

export const bin = fileURLToPath(new URL('../bin/runbook.js', import.meta.url))

const config = `import { defineConfig } from 'runbook'

export default defineConfig({
  artifacts: './artifacts',
  state: './state',
  defaultTarget: 'here',
  targets: { here: { settings: {} } },
})
`

const steps = `import { defineStep } from 'runbook'

const done = new Set<number>()

/** A change that costs nothing, so that what is measured is the engine. */
export const change = defineStep<{ at: number }, null, null>({
  kind: 'bench.change',
  version: 1,
  effect: 'change',
  describe: ({ at }) => \`Changes \${String(at)}.\`,
  survey: async () => null,
  run: async (_, { input: { at } }) => (done.add(at), null),
  probe: async (_, { input: { at } }) => (done.has(at) ? { is: 'done', output: null } : { is: 'absent' }),
  undo: async (_, { input: { at } }) => void done.delete(at),
})

/** The same, with a line in its log. */
export const loud = defineStep<{ at: number }, null, null>({
  kind: 'bench.loud',
  version: 1,
  effect: 'change',
  describe: ({ at }) => \`Changes \${String(at)} and says so.\`,
  survey: async () => null,
  run: async (io, { input: { at } }) => (io.note(\`changed \${at}\`), done.add(at), null),
  probe: async (_, { input: { at } }) => (done.has(at) ? { is: 'done', output: null } : { is: 'absent' }),
  undo: async (_, { input: { at } }) => void done.delete(at),
})

export const look = defineStep<{ at: number }, null>({
  kind: 'bench.look',
  version: 1,
  effect: 'observe',
  describe: ({ at }) => \`Looks at \${String(at)}.\`,
  run: async () => null,
})
`

const book = (name: string, step: StepName, count: number): string => `import { runbook } from 'runbook'
import { ${step} } from '../steps/nothing.ts'

export default runbook(
  '${name}',
  { title: '${name}', when: 'The engine is measured.', needs: [], params: {} },
  ({ step }) => {
    for (let at = 1; at <= ${count}; at += 1) step(\`Step \${at}\`, ${step}({ at }))
  },
)
`

type StepName = 'change' | 'loud' | 'look'

/** A project whose runbooks do nothing, so that only the program itself takes time. */
export class EmptyProject {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
    for (const name of ['runbooks', 'steps']) mkdirSync(join(folder, name), { recursive: true, mode: 0o700 })
    this.#write('runbook.config.ts', config)
    this.#write('steps/nothing.ts', steps)
  }

  /** @returns the name of the runbook */
  add(step: StepName, count: number): string {
    const name = `${step}-${count}`
    this.#write(`runbooks/${name}.ts`, book(name, step, count))
    return name
  }

  #write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text, { mode: 0o600 })
  }

  /** Milliseconds of a command, from the start of its process to its end. @throws Error if it fails */
  runbook(...args: readonly string[]): Promise<number> {
    return runbookIn(this.folder, ...args)
  }

  /** As `runbook`, of a command that is refused as it was typed. @throws Error if it is not */
  refused(...args: readonly string[]): Promise<number> {
    return timed(process.execPath, [bin, ...args], this.folder, exits.usage.exit)
  }
}

/** As `EmptyProject.runbook`, in any project. */
export const runbookIn = (folder: string, ...args: readonly string[]): Promise<number> =>
  timed(process.execPath, [bin, ...args], folder)

/** Milliseconds of a program. @throws Error if it ends with another exit code than `expected` */
export function timed(
  program: string,
  args: readonly string[],
  folder: string,
  expected = 0,
): Promise<number> {
  return millisecondsOf(() => {
    const { status, error, stdout, stderr } = spawnSync(program, args, {
      cwd: folder,
      maxBuffer: 1 << 30,
      encoding: 'utf8',
    })
    if (error !== undefined) throw error
    if (status !== expected)
      throw new Error(`${program} ${args.join(' ')} ended with ${status}:\n${stdout}${stderr}`)
  })
}
