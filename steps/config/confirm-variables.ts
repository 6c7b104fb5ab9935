import {
  cannot,
  defineStep,
  isPending,
  RunbookError,
  say,
  sha256,
  variablesOf,
  type Finding,
  type Look,
  type ServiceGroup,
} from '../../src/index.ts'
import { composeEnvironment } from './lib/compose-environment.ts'
import { bytesOf } from './lib/edited-file.ts'

type Input = {
  readonly services: ServiceGroup
  readonly file: string
  /** Names; a trailing `*` matches any suffix. */
  readonly names: readonly string[]
}
type Output = { readonly confirmed: readonly string[] }

/**
 * Checks that the running services have the values that the env file has now, as Compose expands them.
 * Compares digests, and reports names only. A value that only Compose can know is reported, not compared.
 * @throws RunbookError `failed` where a service does not run or has another value
 */
export const confirmVariables = defineStep<Input, Output>({
  kind: 'config.confirm-variables',
  version: 1,
  effect: 'observe',
  describe: ({ services, file, names }) =>
    say`Checks that ${isPending(services) ? services : services.names} run with the values of ${names} in ${file}.`,
  // Asked of the present file: a name or value that Compose takes from elsewhere would not change with it.
  preflight: async (look, { services, file, names }) => {
    if (isPending(services) || isPending(file) || isPending(names)) return []
    const expected = (await wantedOf(look, services, file, names)).filter(([, value]) => value !== null)
    const declared = await look.services.declaredVariables(services)
    return declared.flatMap(({ service, digests }): readonly Finding[] => {
      const unread = expected
        .filter(([name, value]) => digests[name] !== sha256(value ?? ''))
        .map(([name]) => name)
      return unread.length === 0
        ? []
        : [
            {
              level: 'refuse',
              about: service,
              problem: `${service} does not get ${unread.join(', ')} from ${file}: recreating it would not load the restored values`,
              hint: `pass the file to ${service} in the Compose file (env_file), name it in stack.envFiles if the Compose file uses its variables, or leave those names out of configuration.confirm`,
            },
          ]
    })
  },
  // Today's container says nothing about the one that the run creates.
  predict: async () => ({ output: null }),
  run: async (look, { services, file, names }) => {
    const wanted = await wantedOf(look, services, file, names)
    const expected = wanted.filter(([, value]) => value !== null)
    if (wanted.length === 0)
      throw cannot(
        'confirm variables of',
        services.names.join(', '),
        `${file} sets none of ${names.join(', ')}`,
        {
          code: 'failed',
          hint: 'fix the names in runbook.config.ts',
        },
      )
    const found = await look.services.variables(services)
    const stopped = services.names.find((name) => !found.some(({ service }) => service === name))
    if (stopped !== undefined)
      throw new RunbookError('failed', `${stopped} is not running`, { hint: `check the log of ${stopped}` })
    for (const [name] of wanted.filter(([, value]) => value === null))
      look.note(`${name} was not compared: its value depends on variables that only Compose knows`)
    const mismatches = found.flatMap(({ service, digests }) =>
      expected
        .filter(([name, value]) => digests[name] !== sha256(value ?? ''))
        .map(
          ([name]) => `${service} ${digests[name] === undefined ? 'lacks' : 'has another value of'} ${name}`,
        ),
    )
    if (mismatches.length > 0)
      throw new RunbookError(
        'failed',
        `the running services do not match ${file}: ${mismatches.join(', ')}`,
        {
          hint: 'check that the Compose file passes these variables to the services',
        },
      )
    return { confirmed: expected.map(([name]) => name) }
  },
})

/** The file's variables with these names, as Compose expands them; null for a value that only it can know. */
async function wantedOf(
  look: Pick<Look, 'files' | 'volumes'>,
  { stack }: ServiceGroup,
  file: string,
  names: readonly string[],
): Promise<readonly (readonly [string, string | null])[]> {
  const outside = await composeEnvironment(look, stack)
  return Object.entries(variablesOf(await bytesOf(look, file), outside)).filter(([name]) =>
    names.some((one) => matches(one, name)),
  )
}

const matches = (pattern: string, name: string): boolean =>
  pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
