import { cannot, defineStep, isPending, RunbookError, say } from '../../src/index.ts'
import { bytesOfCopy, formatFault, type FoundCopy, type ValidatedCopy } from '../config/find-copy.ts'

type Input = { readonly copy: FoundCopy }

/** Major version since which `dockerd` can validate a settings file without starting (its release notes). */
const validatesSince = 23

/** Validates Docker's daemon settings with `dockerd`, or only as JSON where that is missing or too old. */
export const validateDaemonSettings = defineStep<Input, ValidatedCopy>({
  kind: 'host.judge-daemon-settings',
  leaves: ['processes'],
  version: 1,
  effect: 'exercise',
  timeoutSeconds: 60,
  describe: ({ copy }) =>
    say`Validates ${isPending(copy) ? copy : copy.from} with dockerd (version ${String(validatesSince)} or later), or else only as JSON.`,
  predict: ({ input: { copy } }) => ({
    output: isPending(copy) ? null : { ...copy, judgedBy: 'dockerd, or as JSON alone' },
  }),
  run: async (io, { copy }) => {
    const fault = formatFault(
      new TextDecoder('utf-8', { fatal: true }).decode(await bytesOfCopy(io, copy)),
      'json',
    )
    if (fault !== null)
      throw cannot('go back to', copy.from, fault, {
        code: 'verification',
        hint: 'name another copy with --from',
      })
    const version = await io.commands.version('dockerd')
    if (version === null || Number.parseInt(version, 10) < validatesSince) {
      const why =
        version === null
          ? 'dockerd is not on PATH'
          : `dockerd ${version} cannot validate settings without starting`
      io.note(`${why}: ${copy.from} was only validated as JSON`)
      return { ...copy, judgedBy: 'JSON alone' }
    }
    const { exitCode } = await io.commands.run({
      argv: ['dockerd', '--validate', '--config-file', copy.from],
      directory: '/',
      environment: {},
      secrets: {},
    })
    if (exitCode !== 0)
      throw new RunbookError('verification', `dockerd rejected ${copy.from}`, {
        hint: 'check the log of this step, or name another copy with --from',
      })
    return { ...copy, judgedBy: `dockerd ${version}` }
  },
})
