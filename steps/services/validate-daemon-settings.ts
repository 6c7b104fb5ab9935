import { defineStep, isPending, RunbookError, say } from '../../src/index.ts'
import { bytesOfCopy, ruinOf, type FoundCopy, type ValidatedCopy } from '../config/find-copy.ts'

type Input = { readonly copy: FoundCopy }

/** Major version since which `dockerd` can validate a settings file without starting (its release notes). */
const judgesSince = 23

/** Validates Docker's daemon settings with `dockerd`, or only as JSON where that is missing or too old. */
export const validateDaemonSettings = defineStep<Input, ValidatedCopy>({
  kind: 'host.judge-daemon-settings',
  leaves: ['processes'],
  version: 1,
  effect: 'exercise',
  timeoutSeconds: 60,
  describe: ({ copy }) =>
    say`Has dockerd judge ${isPending(copy) ? copy : copy.from} where it can (since version ${String(judgesSince)}), and else reads it as JSON alone.`,
  predict: ({ input: { copy } }) => ({
    output: isPending(copy) ? null : { ...copy, judgedBy: 'dockerd, or as JSON alone' },
  }),
  run: async (io, { copy }) => {
    const ruin = ruinOf(new TextDecoder('utf-8', { fatal: true }).decode(await bytesOfCopy(io, copy)), 'json')
    if (ruin !== null)
      throw new RunbookError('verification', `cannot go back to ${copy.from}: ${ruin}`, {
        hint: 'name another copy with --from',
      })
    const version = await io.commands.version('dockerd')
    if (version === null || Number.parseInt(version, 10) < judgesSince) {
      io.note(
        `${version === null ? 'dockerd is not on PATH' : `dockerd ${version} cannot judge settings without starting`}: ${copy.from} was read as JSON alone`,
      )
      return { ...copy, judgedBy: 'JSON alone' }
    }
    const { exitCode } = await io.commands.run({
      argv: ['dockerd', '--validate', '--config-file', copy.from],
      directory: '/',
      environment: {},
      secrets: {},
    })
    if (exitCode !== 0)
      throw new RunbookError('verification', `dockerd does not accept ${copy.from}`, {
        hint: 'the log of this step says why; name another copy with --from',
      })
    return { ...copy, judgedBy: `dockerd ${version}` }
  },
})
