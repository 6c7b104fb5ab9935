import { defineStep, RunbookError, say, type Io, type Need } from '../../src/index.ts'

type Input = Command & {
  /**
   * Why the command may run: the configuration declares it as a smoke test, which changes nothing. What runs in an
   * unpacked folder is a step of its own, `runUnpacked`.
   */
  readonly within: 'smoke test'
}

type Command = {
  readonly argv: readonly string[]
  readonly directory: string
  readonly environment: { readonly [name: string]: string }
}

type Output = { readonly exitCode: number }

/**
 * Runs a configured command, never through a shell.
 * @throws RunbookError `failed` for an exit code other than 0
 */
export const runCommand = defineStep<Input, Output>({
  kind: 'files.run-command',
  version: 1,
  effect: 'exercise',
  timeoutSeconds: 900,
  describe: ({ argv, directory }) =>
    say`Runs "${Array.isArray(argv) ? argv.join(' ') : (argv as { $until: string })}" in ${directory}.`,
  needs: ({ argv }) => commandNeeds(argv),
  predict: () => ({ output: { exitCode: 0 } }),
  run: runToEnd,
})

/** The program that preflight looks for. */
export const commandNeeds = (argv: unknown): readonly Need[] =>
  Array.isArray(argv) && typeof argv[0] === 'string' && !argv[0].includes('/')
    ? [{ program: argv[0], why: `the configuration runs "${argv.join(' ')}"` }]
    : []

/** @throws RunbookError `failed` for an exit code other than 0 */
export async function runToEnd(
  io: Pick<Io, 'commands'>,
  { argv, directory, environment }: Command,
): Promise<Output> {
  const { exitCode } = await io.commands.run({ argv, directory, environment, secrets: {} })
  if (exitCode !== 0)
    throw new RunbookError('failed', `"${argv.join(' ')}" ended with exit code ${exitCode}`, {
      hint: 'its output is in the log of this step',
    })
  return { exitCode }
}
