import type { PostgresDatabase, SqliteDatabase } from '../../drivers/databases.ts'
import { partKey, type LockPart } from '../../drivers/locks.ts'
import type { Stack } from '../../drivers/services.ts'
import type { Json, JsonObject } from '../../kernel/json.ts'
import { onceEach } from '../../kernel/once-each.ts'
import type { Plan, PlannedStep } from '../../model/plan.ts'
import { addressesIn } from '../../model/recording.ts'
import { isStack, namesIn, servicesIn } from '../../model/services-in.ts'

/**
 * What a plan may change, in the order in which it is locked: the databases, services, image repositories, data
 * folders and documents in the inputs of its changing steps, and of the steps whose outputs they use. Empty for a plan that only
 * looks. Two databases of one server exclude each other only where a service is shared.
 */
export const lockPartsOf = onceEach((plan: Plan): readonly LockPart[] => {
  const parts = new Map<string, LockPart>()
  for (const { input } of concerned(plan))
    for (const part of partsIn(input, plan)) parts.set(partKey(part), part)
  return [...parts].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, part]) => part)
})

/** What the input of one step names; a part may be there more than once. */
export function partsIn(input: Json, plan: Pick<Plan, 'target'>): readonly LockPart[] {
  const parts: LockPart[] = []
  collect(input, plan, (part) => parts.push(part))
  return parts
}

/** The changing steps, and the steps that they get values from. */
function concerned({ steps }: Plan): readonly PlannedStep[] {
  const found = new Set(steps.filter(({ effect }) => effect === 'change' || effect === 'destroy'))
  for (const step of found) {
    for (const address of addressesIn(step.input)) {
      const source = '$ref' in address ? steps.find(({ id }) => id === address.$ref) : undefined
      if (source !== undefined) found.add(source)
    }
  }
  return [...found]
}

function collect(value: Json, plan: Pick<Plan, 'target'>, add: (part: LockPart) => void): void {
  if (Array.isArray(value)) return (value as readonly Json[]).forEach((each) => collect(each, plan, add))
  if (typeof value !== 'object' || value === null) return
  const object = value as JsonObject
  const database = databaseIn(object)
  if (database !== null) {
    if (database.engine === 'sqlite') add(fileOf(database))
    // A run's own throwaway server is nobody else's.
    else if (database.via.kind !== 'throwaway') add({ kind: 'postgres', database })
    return
  }
  const files = filesIn(object)
  if (files !== null) add(files)
  const bundles = bundlesIn(object)
  if (bundles !== null) add(bundles)
  if (isRepository(object, plan)) add(repositoryOf(String(object['repository'])))
  if (isStack(object))
    return servicesNamedIn(plan.target, object).forEach((name) => add(servicePart(object, name)))
  const { stack, ...rest } = object
  const names = namesIn(object)
  if (stack !== undefined && isStack(stack) && names !== null)
    for (const name of names) add(servicePart(stack, name))
  else if (stack !== undefined) collect(stack, plan, add)
  for (const inner of Object.values(rest)) collect(inner, plan, add)
}

function databaseIn(object: JsonObject): PostgresDatabase | SqliteDatabase | null {
  const { engine } = object
  if (engine === 'postgres' && typeof object['via'] === 'object') return object as unknown as PostgresDatabase
  if (engine === 'sqlite' && typeof object['file'] === 'string') return object as unknown as SqliteDatabase
  return null
}

const isRepository = ({ repository }: JsonObject, { target }: Pick<Plan, 'target'>): boolean =>
  typeof repository === 'string' &&
  repository === (target['images'] as { readonly repository?: string } | undefined)?.repository

/**
 * The live folder of a data archive, so that none is archived while another run has something else in its place; or a
 * file of this machine that a step replaces.
 */
function filesIn({ making, inside, path }: JsonObject): LockPart | null {
  const source = typeof making === 'object' && making !== null ? (making as JsonObject)['source'] : undefined
  if (typeof source === 'string') return { kind: 'file', path: source, what: `data folder ${source}` }
  if (inside === null && typeof path === 'string') return { kind: 'file', path, what: path }
  return null
}

/** The folder of release bundles, so that none is removed while another run publishes or deploys it. */
function bundlesIn({ source, directory, exclude, environment }: JsonObject): LockPart | null {
  const isRelease = typeof source === 'string' && typeof environment === 'string' && Array.isArray(exclude)
  return isRelease && typeof directory === 'string'
    ? { kind: 'file', path: directory, what: `release bundles in ${directory}` }
    : null
}

/** A step on a complete stack excludes its like, and every run on a service that the target names. */
const completeStack = '*'

function servicesNamedIn(target: JsonObject, stack: Stack): readonly string[] {
  const named = servicesIn(target).filter((group) => group.stack.project === stack.project)
  return [...new Set([completeStack, ...named.flatMap(({ names }) => names)])]
}

/** Whether a part stands for all services of a stack. */
export const isCompleteStack = (part: LockPart): boolean =>
  (part.kind === 'docker' && part.name.endsWith(`/${completeStack}`)) ||
  (part.kind === 'file' && part.path.endsWith('.all'))

/** The lock of a complete stack. */
export const stackPart = (stack: Stack): LockPart => servicePart(stack, completeStack)

export function servicePart(stack: Stack, name: string): LockPart {
  const what = name === completeStack ? `stack ${stack.project}` : `service ${name} of ${stack.project}`
  if (stack.kind === 'compose') return { kind: 'docker', name: `service/${stack.project}/${name}`, what }
  // Where the processes are recorded: targets that share it drive the same ones, whatever folder they run in.
  const file = `service.${name === completeStack ? 'all' : name}`.replaceAll('/', '_')
  return { kind: 'file', path: `${stack.state}/${file}`, what, makesFolder: true }
}

const fileOf = ({ file, name }: SqliteDatabase): LockPart => ({
  kind: 'file',
  path: file,
  what: `database ${name} (${file})`,
})

const repositoryOf = (repository: string): LockPart => ({
  kind: 'docker',
  name: `images/${repository}`,
  what: `images of ${repository}`,
})
