import {
  defineStep,
  isPending,
  RunbookError,
  say,
  sha256,
  variablesOf,
  type ServiceGroup,
} from '../../src/index.ts'
import { bytesOf } from './lib/edited-file.ts'

type Input = {
  readonly services: ServiceGroup
  readonly file: string
  /** Names; a trailing `*` matches any suffix. */
  readonly names: readonly string[]
}
type Output = { readonly confirmed: readonly string[] }

/**
 * Checks that the running services have the values that the env file has now. Compares digests, and reports
 * names only.
 * @throws RunbookError `failed` where a service does not run or has another value
 */
export const confirmVariables = defineStep<Input, Output>({
  kind: 'config.confirm-variables',
  version: 1,
  effect: 'observe',
  describe: ({ services, file, names }) =>
    say`Sees that ${isPending(services) ? services : services.names} run with ${names} as ${file} says.`,
  // Today's container says nothing about the one that the run creates.
  predict: async () => ({ output: null }),
  run: async (look, { services, file, names }) => {
    const wanted = Object.entries(variablesOf(await bytesOf(look, file))).filter(([name]) =>
      names.some((one) => matches(one, name)),
    )
    if (wanted.length === 0)
      throw new RunbookError(
        'failed',
        `${file} sets none of ${names.join(', ')}, so nothing can be confirmed`,
        { hint: 'mend the names in runbook.config.ts' },
      )
    const found = await look.services.variables(services)
    const silent = services.names.find((name) => !found.some(({ service }) => service === name))
    if (silent !== undefined)
      throw new RunbookError('failed', `${silent} does not run`, { hint: 'its log says why' })
    const wrong = found.flatMap(({ service, digests }) =>
      wanted
        .filter(([name, value]) => digests[name] !== sha256(value))
        .map(([name]) => `${service} ${digests[name] === undefined ? 'lacks' : 'has another'} ${name}`),
    )
    if (wrong.length > 0)
      throw new RunbookError('failed', `what runs was not made with ${file} as it is: ${wrong.join(', ')}`, {
        hint: 'does the compose file hand these variables on?',
      })
    return { confirmed: wanted.map(([name]) => name) }
  },
})

const matches = (pattern: string, name: string): boolean =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
