import type { Drivers } from '../drivers/drivers.ts'
import { leftBy, type Leftover } from '../drivers/leftover.ts'
import { RunbookError } from '../kernel/errors.ts'
import type { PlannedStep } from '../model/plan.ts'

/**
 * Wraps drivers to refuse a step every call that can leave something in a place that it does not declare.
 * @param declared the places that it declares
 * @param report called for each refusal, since the step may swallow what a driver throws
 */
export function refusingUndeclared(
  drivers: Drivers,
  step: PlannedStep,
  declared: readonly Leftover[],
  report: (refusal: RunbookError) => void,
): Drivers {
  // Most ports leave nothing, and most steps declare all places.
  const refused = [...leaves].filter(([, places]) => !places.every((place) => declared.includes(place)))
  if (refused.length === 0) return drivers
  const refusals = refused.map(([name]) => [name, refusing(name, drivers[name as keyof Drivers])])
  return { ...drivers, ...Object.fromEntries(refusals) }

  function refusing(name: string, port: object): object {
    return new Proxy(port, {
      get(driver, method) {
        const found: unknown = Reflect.get(driver, method)
        const missing = undeclared(name, method, declared)
        if (typeof found !== 'function' || missing.length === 0) return found
        return async (): Promise<never> => {
          const refusal = refusalOf(step, declared, `${name}.${String(method)}`, missing)
          report(refusal)
          throw refusal
        }
      },
    })
  }
}

/** What the methods of a port can leave behind. */
const leaves = new Map<string, readonly Leftover[]>(
  Object.entries(leftBy).map(([port, methods]) => [port, [...new Set(Object.values(methods).flat())]]),
)

function undeclared(
  port: string,
  method: string | symbol,
  declared: readonly Leftover[],
): readonly Leftover[] {
  const methods = (leftBy as { readonly [port: string]: { readonly [method: string]: readonly Leftover[] } })[
    port
  ]
  return (methods?.[String(method)] ?? []).filter((place) => !declared.includes(place))
}

function refusalOf(
  { id, title, kind }: PlannedStep,
  declared: readonly Leftover[],
  call: string,
  missing: readonly Leftover[],
): RunbookError {
  const wanted = [...declared, ...missing].map((place) => `'${place}'`).join(', ')
  return new RunbookError(
    'usage',
    `the step "${title}" (${id}, ${kind}) calls ${call}, which can leave ${missing.join(' and ')} behind, and does not declare it`,
    { hint: `declare leaves: [${wanted}] in ${kind}, or omit it to search everywhere` },
  )
}
