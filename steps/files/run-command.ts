import { defineStep, RunbookError, say } from '../../src/index.ts'

type Input = {
  readonly argv: readonly string[]
  readonly directory: string
  readonly environment: { readonly [name: string]: string }
  /**
   * Why the command may run: its folder has only a copy, which the run removes at its end; or the
   * configuration declares it as a smoke test, which changes nothing.
   */
  readonly within: 'staging' | 'smoke test'
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
  needs: ({ argv }) =>
    Array.isArray(argv) && typeof argv[0] === 'string' && !argv[0].includes('/')
      ? [{ program: argv[0], why: `the configuration runs "${argv.join(' ')}"` }]
      : [],
  predict: () => ({ output: { exitCode: 0 } }),
  run: async (io, { argv, directory, environment }) => {
    const { exitCode } = await io.commands.run({ argv, directory, environment, secrets: {} })
    if (exitCode !== 0)
      throw new RunbookError('failed', `"${argv.join(' ')}" ended with exit code ${exitCode}`, {
        hint: 'its output is in the log of this step',
      })
    return { exitCode }
  },
})
