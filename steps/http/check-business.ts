import {
  defineStep,
  failureOf,
  isPending,
  RunbookError,
  say,
  type BusinessCheck,
  type Json,
  type JsonObject,
} from '../../src/index.ts'
import type { ExaminedBackup } from '../databases/examine-backup.ts'
import { reachableFindings } from './lib/reachable.ts'

type Input = { readonly checks: readonly BusinessCheck[]; readonly backup: ExaminedBackup }
type Output = { readonly answers: readonly { readonly name: string; readonly number: number }[] }

/**
 * Compares the business numbers that the running application reports with those of the backup.
 * @throws RunbookError `failed` where they still differ after `withinSeconds`
 */
export const checkBusiness = defineStep<Input, Output>({
  kind: 'http.check-business',
  leaves: [],
  version: 1,
  effect: 'observe',
  describe: ({ checks }) =>
    isPending(checks) || checks.length === 0
      ? 'Checks the business numbers of the application.'
      : checks
          .map(
            ({ name, path, check }) =>
              say`Compares ${path} at ${check.url} with the number of ${name} in the backup.`,
          )
          .join(' '),
  preflight: async (look, { checks }, plan) =>
    isPending(checks)
      ? []
      : reachableFindings(
          look,
          plan,
          checks.map(({ check }) => check),
        ),
  predict: ({ input: { backup } }) =>
    Promise.resolve({ output: isPending(backup) ? null : { answers: backup.numbers } }),
  run: async (look, { checks, backup }) => {
    const answers = []
    for (const { name, path, check } of checks) {
      const expected = backup.numbers.find((one) => one.name === name)?.number ?? null
      const until = look.clock.monotonic() + check.withinSeconds * 1000
      for (;;) {
        const found = await look.http.get(check.url, check).then(
          ({ status, json }) => (status === check.status ? at(json, path) : `status ${status}`),
          (thrown: unknown) => failureOf(thrown).message,
        )
        look.signal.throwIfAborted()
        if (found === expected) break
        if (look.clock.monotonic() >= until) {
          throw new RunbookError(
            'failed',
            `${check.url} reports ${path} = ${JSON.stringify(found)}, expected ${JSON.stringify(expected)}: the number of ${name} in the backup`,
            { hint: 'check that it is the right backup, or choose another with --backup' },
          )
        }
        await look.clock.sleep(check.everySeconds * 1000, look.signal)
      }
      answers.push({ name, number: expected ?? 0 })
      look.note(`${expected} ${name}`)
    }
    return { answers }
  },
})

const at = (json: Json, path: string): Json =>
  path
    .split('.')
    .reduce<Json>(
      (here, key) =>
        typeof here === 'object' && here !== null && Object.hasOwn(here, key)
          ? ((here as JsonObject)[key] ?? null)
          : null,
      json,
    )
