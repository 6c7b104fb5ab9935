import {
  cannot,
  type DeclaredChange,
  type FileEdit,
  type Finding,
  type JsonObject,
  type Look,
  type ServiceGroup,
} from '../../../src/index.ts'

/** What an edit of a Compose or env file is meant to change. */
export type EditScope = JsonObject & {
  readonly services: ServiceGroup
  /**
   * `image`: the image of the services, and nothing else. `tag`: their image, and what else shows the tag.
   * `settings`: anything but their image. None of them may change where a service keeps its data.
   * `declaration`: anything, also what services share.
   */
  readonly of: 'image' | 'tag' | 'settings' | 'declaration'
}

/** `variables`: those of an env file that the edit sets or removes; no other place is meant to change. */
export type ScopedEdit = FileEdit & { readonly variables: readonly string[] }

/** What decides with which code, data and other services a service runs. */
const fixed = new Set([
  'build',
  'configs',
  'container_name',
  'network_mode',
  'networks',
  'secrets',
  'tmpfs',
  'volumes',
  'volumes_from',
])

/**
 * Why an edit must not be written: it would change more of what the stack's files declare than it is meant to,
 * such as another service by an anchor or a shared variable. Asks Compose, since nothing else knows what its
 * files mean. What the edit may do besides its purpose is a warning.
 */
export async function scopeFindings(
  look: Pick<Look, 'services'>,
  scope: EditScope,
  edit: ScopedEdit,
): Promise<readonly Finding[]> {
  const { stack } = scope.services
  const changes = await look.services.declaredChanges(stack, edit)
  if (changes === null)
    return [
      {
        level: 'warn',
        about: edit.file,
        problem: `what the edit of ${edit.file} changes is not compared: the stack's files do not say where it is read`,
        hint: 'name it in stack.envFiles, or as env_file of a service in the Compose file',
      },
    ]
  const idle = await withoutInstance(look, scope, changes)
  const besides = [...byService(changes)].flatMap(([service, paths]) =>
    findingsOn(scope, edit, { service, paths, isIdle: service !== null && idle.includes(service) }),
  )
  const unreached =
    scope.of === 'tag' && stack.kind === 'compose' && !changes.some((one) => isPurpose(scope, one))
  return unreached
    ? [
        ...besides,
        {
          level: 'refuse',
          about: edit.file,
          problem: `the edit of ${edit.file} would change the image of none of ${scope.services.names.join(', ')}`,
          hint: 'use the variable in the image lines of the Compose file, and set it in no later env file and not in stack.environment',
        },
      ]
    : besides
}

/** @throws RunbookError `preflight` for an edit that would change more than it is meant to */
export async function requireWithin(
  look: Pick<Look, 'services' | 'note'>,
  scope: EditScope,
  edit: ScopedEdit,
): Promise<void> {
  const findings = await scopeFindings(look, scope, edit)
  const refusal = findings.find(({ level }) => level === 'refuse')
  if (refusal !== undefined)
    throw cannot('edit', edit.file, refusal.problem, { code: 'preflight', hint: refusal.hint })
  for (const { problem } of findings) look.note(problem)
}

type OnService = {
  readonly service: string | null
  readonly paths: readonly string[]
  readonly isIdle: boolean
}

function findingsOn(
  scope: EditScope,
  { file, variables }: ScopedEdit,
  { service, paths, isIdle }: OnService,
): readonly Finding[] {
  const say = (level: Finding['level'], which: readonly string[], hint: string): readonly Finding[] =>
    which.length === 0
      ? []
      : [
          {
            level,
            about: service ?? file,
            problem: `the edit of ${file} would change ${textOf(service, which)}`,
            hint,
          },
        ]
  const { project } = scope.services.stack
  if (service === null && paths.includes('name'))
    return [
      {
        level: 'refuse',
        about: file,
        problem: `the edit of ${file} would change the name of the project: it would no longer be ${project}`,
        hint: `under another name Compose makes a second stack with empty volumes: keep the name in the version that is put there (COMPOSE_PROJECT_NAME=${project} in an env file, name: ${project} in a Compose file)`,
      },
    ]
  const isWanted = scope.of === 'declaration' && (service === null || scope.services.names.includes(service))
  if (isWanted) return say('warn', paths, 'check that this is wanted')
  if (service === null)
    return say('refuse', paths, 'services share it: edit the file by hand, and bring up all that use it')
  if (!scope.services.names.includes(service)) {
    if (isIdle) return say('warn', paths, `${service} has no container; the next one is created with it`)
    const given = paths.filter((path) => variables.some((name) => path === `environment.${name}`))
    return [
      ...say(
        'refuse',
        paths.filter((path) => !given.includes(path)),
        `${service} is not brought up with the others: name it in the target beside ${scope.services.names.join(', ')}, or give it a line or variable of its own`,
      ),
      ...say('warn', given, `${service} gets the variables of the file when it is next recreated`),
    ]
  }
  const more = paths.filter((path) => !isPurpose(scope, { service, path }))
  const refused = more.filter((path) => scope.of === 'image' || path === '' || isFixed(scope, path))
  return [
    ...say('refuse', refused, `make it independent of that line or variable in the Compose file`),
    ...say(
      'warn',
      more.filter((path) => !refused.includes(path)),
      'check that this is wanted',
    ),
  ]
}

const isPurpose = ({ services, of }: EditScope, { service, path }: DeclaredChange): boolean =>
  service !== null &&
  services.names.includes(service) &&
  (of === 'settings' ? path.startsWith('environment.') : path === 'image')

const isFixed = ({ of }: EditScope, path: string): boolean => {
  const [field = ''] = path.split('.')
  return fixed.has(field) || (of === 'settings' && field === 'image')
}

const textOf = (service: string | null, paths: readonly string[]): string =>
  paths.includes('')
    ? `whether ${service} exists`
    : `${paths.join(', ')}${service === null ? '' : ` of ${service}`}`

function byService(changes: readonly DeclaredChange[]): ReadonlyMap<string | null, readonly string[]> {
  const services = new Set(changes.map(({ service }) => service))
  return new Map(
    [...services].map((service) => [
      service,
      changes.filter((one) => one.service === service).map(({ path }) => path),
    ]),
  )
}

/** Of the services that an edit changes besides its own, those without an instance. */
async function withoutInstance(
  look: Pick<Look, 'services'>,
  { services: { stack, names } }: EditScope,
  changes: readonly DeclaredChange[],
): Promise<readonly string[]> {
  const others = [
    ...new Set(
      changes.flatMap(({ service, path }) =>
        service === null || names.includes(service) || path === '' ? [] : [service],
      ),
    ),
  ]
  const states = others.length === 0 ? [] : await look.services.states({ stack, names: others })
  return states.flatMap(({ service, state }) => (state === 'missing' ? [service] : []))
}
