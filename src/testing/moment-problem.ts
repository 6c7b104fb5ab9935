import { canonical, isFields, type Json, type JsonObject } from '../kernel/json.ts'

/** How a run ended that was disturbed at one moment. */
export type DisturbedRun = {
  readonly where: string
  /** An outcome, `not begun`, `open`, or what it threw. */
  readonly ended: string
  /** Why it is not settled, where that is known. */
  readonly why: string | null
  readonly found: Json
}

/** The world before the runbook, and after it ran undisturbed. */
export type CalmWorlds = { readonly before: Json; readonly after: Json }

export type MomentProblem = {
  /** The greater, the sooner a person has to know. */
  readonly weight: number
  readonly kind: 'not the same each time' | 'left down' | 'data lost' | 'reported wrongly' | 'not settled'
  readonly line: string
}

/** Problems that are listed one by one; the worst ones say enough. */
const most = 10

const settledEndings: ReadonlySet<string> = new Set([
  'succeeded',
  'rolled-back',
  'refused',
  'foretold',
  'not begun',
])

/** What is wrong with how the run ended; null where nothing is. */
export function problemOf(
  { where, ended, why, found }: DisturbedRun,
  { before, after }: CalmWorlds,
): MomentProblem | null {
  const settled = settledEndings.has(ended)
  const expected = ended === 'succeeded' ? [after] : settled ? [before] : [before, after]
  const world =
    ended === 'succeeded' ? 'after an undisturbed run' : settled ? 'before' : 'before or after the run'
  const differing = settled ? differences(expected[0], found) : []
  if (settled && differing.length === 0) return null
  const down = leftDown(expected, found).map((name) => `service ${name} is left down`)
  const lost = dataLost(expected, found, world)
  const facts = [
    ...down,
    ...lost,
    ...(settled ? [`differs from the world ${world} in ${differing.join(', ')}`] : []),
  ].join('; ')
  return {
    weight: (down.length > 0 ? 4 : 0) + (lost.length > 0 ? 2 : 0) + (settled ? 1 : 0),
    kind: kindOf(down.length > 0, lost.length > 0, settled),
    line: oneLine(
      [
        `${where}: ${settled ? '' : 'not settled: '}ended ${ended}`,
        ...(facts === '' ? [] : [`, and ${facts}`]),
        ...(why === null || settled ? [] : [`: ${why}`]),
      ].join(''),
    ),
  }
}

function kindOf(down: boolean, lost: boolean, settled: boolean): MomentProblem['kind'] {
  if (down) return 'left down'
  if (lost) return 'data lost'
  return settled ? 'reported wrongly' : 'not settled'
}

/** Says so first, since the moments of such a run mean little. */
export const notRepeatable = (where: string, ended: string): MomentProblem => ({
  weight: 8,
  kind: 'not the same each time',
  line: oneLine(`${where}: the run is not the same each time: it ended ${ended}`),
})

/** One line a problem, what was left down or lost first; those beyond the first ten are counted by kind. */
export function listed(problems: readonly MomentProblem[]): string {
  const byWeight = problems.toSorted((one, other) => other.weight - one.weight)
  const rest = byWeight.slice(most)
  const kinds = [...new Set(rest.map(({ kind }) => kind))].map(
    (kind) => `${rest.filter((one) => one.kind === kind).length} ${kind}`,
  )
  return [
    ...byWeight.slice(0, most).map(({ line }) => line),
    ...(rest.length === 0 ? [] : [`and ${rest.length} more: ${kinds.join(', ')}`]),
  ]
    .map((line) => `  ${line}`)
    .join('\n')
}

/** Error messages may have several lines. */
const oneLine = (text: string): string => text.trim().replaceAll(/\s*\n\s*/g, ' ')

/** Paths at which two values differ, at most five. */
export function differences(one: Json | undefined, other: Json | undefined, path = ''): readonly string[] {
  if (one !== undefined && other !== undefined && canonical(one) === canonical(other)) return []
  if (!isFields(one) || !isFields(other)) return [path === '' ? 'all of it' : path]
  const keys = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort()
  return keys
    .flatMap((key) =>
      differences(
        one[key] as Json | undefined,
        other[key] as Json | undefined,
        path === '' ? key : `${path}.${key}`,
      ),
    )
    .slice(0, 5)
}

/** A part of a world by name, such as its services; empty where the test compares something else. */
function part(world: Json, name: string): JsonObject {
  const found = isFields(world) ? world[name] : undefined
  return isFields(found) ? (found as JsonObject) : {}
}

const stateOf = (service: Json | undefined): Json | undefined =>
  isFields(service) ? (service['state'] as Json) : undefined

/** Services that run in each of the expected worlds and not in this one. */
function leftDown(expected: readonly Json[], found: Json): readonly string[] {
  const now = part(found, 'services')
  // A comparison that leaves the services out says nothing about them.
  if (!isFields(found) || !('services' in found)) return []
  return Object.keys(part(expected[0] ?? null, 'services')).filter(
    (name) =>
      expected.every((world) => stateOf(part(world, 'services')[name]) === 'running') &&
      stateOf(now[name]) !== 'running',
  )
}

const holders = [
  ['databases', 'database'],
  ['files', 'file'],
  ['volumes', 'file in a volume'],
  ['images', 'image'],
] as const

/** What is in each of the expected worlds and gone from this one, and databases whose data is that of neither. */
function dataLost(expected: readonly Json[], found: Json, than: string): readonly string[] {
  return holders.flatMap(([name, what]) => {
    if (!isFields(found) || !(name in found)) return []
    const now = part(found, name)
    return Object.keys(part(expected[0] ?? null, name)).flatMap((key) => {
      const wanted = expected.map((world) => part(world, name)[key])
      if (wanted.includes(undefined)) return []
      if (now[key] === undefined) return [`${what} ${key} is gone`]
      if (name !== 'databases') return []
      const data = wanted.map((one) => canonical(dataOf(one)))
      return data.includes(canonical(dataOf(now[key])))
        ? []
        : [`the data of ${what} ${key} is not that of ${than}`]
    })
  })
}

const dataOf = (database: Json | undefined): Json =>
  isFields(database) ? ((database['data'] as Json | undefined) ?? null) : (database ?? null)
