import type { Scope } from '../../drivers/scope.ts'
import type { ComposeStack, Drift, Mount } from '../../drivers/services.ts'
import { canonical } from '../../kernel/json.ts'
import { composeLine } from '../../model/compose-line.ts'
import type { Compose } from './compose.ts'
import type { DeclaredCreation, Variation } from './compose-config.ts'
import { statusOf, type DockerEngine } from './connection.ts'
import { labels, resolved } from './containers.ts'
import { creationOf, dependenciesOf, type CreatedContainer } from './creation.ts'

type Created = { readonly service: string; readonly containers: readonly CreatedContainer[] }

/**
 * How containers differ from what Compose would create from the stack's present files, their images aside.
 * Compose's own hash decides whether they do; what differs is then read from both sides.
 * @param read the stack with the files that Compose is to read in place of its own
 */
export async function driftFrom(
  {
    engine,
    command,
    scope,
  }: { readonly engine: DockerEngine; readonly command: Compose; readonly scope: Scope },
  stack: ComposeStack,
  services: readonly Created[],
  read: ComposeStack = stack,
): Promise<readonly Drift[]> {
  const most = Math.max(0, ...services.map(({ containers }) => containers.length))
  if (most === 0) return []
  let drifted = services.flatMap(({ service, containers }) =>
    containers.map((container) => ({ service, container })),
  )
  // Each variation costs a call of Compose, and the first one explains most containers.
  for (const variation of variationsOf(services, most)) {
    if (drifted.length === 0) return []
    const hashes = await command.hashes(read, variation)
    drifted = drifted.filter(
      ({ service, container: { Config } }) =>
        hashes.get(service) !== (Config.Labels?.[labels.configHash] ?? ''),
    )
  }
  drifted = drifted.filter(
    ({ service }, index) => drifted.findIndex((one) => one.service === service) === index,
  )
  if (drifted.length === 0) return []
  const [config, version] = [await command.config(read), await command.version()]
  return Promise.all(
    drifted.map(async ({ service, container }) =>
      driftOf({
        stack,
        service,
        container,
        imageEnvironment: await environmentOfImage(engine, scope, container.Image),
        declared: config.creation(service),
        version,
        sameFiles: await isFrom(stack, container),
      }),
    ),
  )
}

/**
 * The present declarations with the image and the dependencies of each container, and the same without its
 * image: a service that Compose builds may be hashed without one.
 */
function variationsOf(
  services: readonly Created[],
  most: number,
): readonly { readonly [service: string]: Variation }[] {
  const all = Array.from({ length: most }, (_, index) => index).flatMap((index) =>
    [true, false].map((withImage) =>
      Object.fromEntries(
        services.flatMap(({ service, containers }) => {
          const container = containers[index] ?? containers[0]
          if (container === undefined) return []
          const dependsOn = dependenciesOf(container)
          return [[service, withImage ? { image: container.Config.Image, dependsOn } : { dependsOn }]]
        }),
      ),
    ),
  )
  return [...new Map(all.map((one) => [canonical(one), one])).values()]
}

/** Whether a container was created from the stack's files, also by way of a link. */
async function isFrom({ files }: ComposeStack, container: CreatedContainer): Promise<boolean> {
  const then = creationOf('', container).files
  const [one, other] = await Promise.all([then, files].map((paths) => Promise.all(paths.map(resolved))))
  return then.length === 0 || String(one) === String(other)
}

/** Null if the image is gone. */
async function environmentOfImage(
  engine: DockerEngine,
  scope: Scope,
  id: string,
): Promise<readonly string[] | null> {
  try {
    const { Config } = await engine.ask(scope, {
      doing: `inspect image ${id.slice(0, 19)}`,
      ask: (docker) => docker.getImage(id).inspect(),
    })
    return Config.Env ?? []
  } catch (thrown) {
    if (statusOf(thrown) === 404) return null
    throw thrown
  }
}

type Comparison = {
  readonly stack: ComposeStack
  readonly service: string
  readonly container: CreatedContainer
  /** Variables of the container's image; null if the image is gone. */
  readonly imageEnvironment: readonly string[] | null
  readonly declared: DeclaredCreation
  /** Version of Compose that would recreate it. */
  readonly version: string
  readonly sameFiles: boolean
}

/** What differs between a container and its declaration, for one whose hash says that something does. */
function driftOf({
  stack,
  service,
  container,
  imageEnvironment,
  declared,
  version,
  sameFiles,
}: Comparison): Drift {
  const created = creationOf(service, container)
  const changes = {
    environment: variableChanges(container, imageEnvironment, declared.environment),
    mounts: changesOf(created.mounts.map(mountText), declared.mounts.map(mountText)),
    networks: changesOf(created.networks.map(networkText), declared.networks.map(networkText)),
  }
  const found = (['environment', 'mounts', 'networks'] as const).filter((kind) => changes[kind].length > 0)
  const what = found.flatMap((kind) => changes[kind])
  const lost = created.mounts.filter(
    ({ kind, source }) =>
      kind === 'volume' && !declared.mounts.some((one) => one.kind === kind && one.source === source),
  )
  const other = otherVersion(container, version)
  return {
    service,
    kinds: [
      ...(sameFiles ? [] : (['files'] as const)),
      ...(found.length > 0
        ? found
        : sameFiles
          ? [other === null ? ('other' as const) : ('unknown' as const)]
          : []),
    ],
    problem:
      `${service} runs otherwise than the stack's files declare it` +
      (what.length > 0 ? `: recreated, it would ${what.join(', ')}` : (other ?? otherwise)) +
      (sameFiles
        ? ''
        : `; it was created from ${created.files.join(' and ')}, and stack.files has ${stack.files.join(' and ')}`),
    hint:
      sameFiles && lost.length > 0
        ? keepVolumes(
            stack,
            service,
            lost.map(({ source }) => source),
          )
        : cure(stack, service, container, sameFiles ? [] : created.files),
  }
}

const mountText = ({ kind, source, target }: Mount): string => `the ${kind} ${source} at ${target}`

const networkText = (name: string): string => `the network ${name}`

const otherwise =
  ', in something other than its image, environment, mounts and networks: recreated, it would change'

const otherVersion = ({ Config }: CreatedContainer, version: string): string | null => {
  const then = Config.Labels?.[labels.version]
  return then === undefined || then === version
    ? null
    : `, or only by the version of Compose: it was created with ${then}, and ${version} would recreate it`
}

const changesOf = (was: readonly string[], is: readonly string[]): readonly string[] => [
  ...was.filter((one) => !is.includes(one)).map((one) => `lose ${one}`),
  ...is.filter((one) => !was.includes(one)).map((one) => `get ${one}`),
]

/** Names only: values may be secret. */
function variableChanges(
  { Config }: CreatedContainer,
  imageEnvironment: readonly string[] | null,
  declared: { readonly [name: string]: string },
): readonly string[] {
  const [own, inherited] = [variables(Config.Env ?? []), variables(imageEnvironment ?? [])]
  const lost = Object.keys(own).filter(
    (name) => imageEnvironment !== null && declared[name] === undefined && own[name] !== inherited[name],
  )
  const names = Object.keys(declared)
  return [
    ...lost.map((name) => `lose the variable ${name}`),
    ...names.filter((name) => own[name] === undefined).map((name) => `get the variable ${name}`),
    ...names
      .filter((name) => own[name] !== undefined && own[name] !== declared[name])
      .map((name) => `get another value of ${name}`),
  ]
}

const variables = (list: readonly string[]): { readonly [name: string]: string } =>
  Object.fromEntries(
    list.map((line) => {
      const at = line.indexOf('=')
      return at === -1 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)]
    }),
  )

/** What is in a volume stays there, and the service would no longer see it. */
const keepVolumes = (stack: ComposeStack, service: string, lost: readonly string[]): string =>
  `name ${lost.join(', ')} in the Compose file again, or copy what is in it first; only then: ${composeLine(stack, `up --detach ${service}`)}`

function cure(
  stack: ComposeStack,
  service: string,
  { Config }: CreatedContainer,
  otherFiles: readonly string[],
): string {
  const { directory, envFiles } = stack
  const label = (name: string): string => Config.Labels?.[name] ?? ''
  const quoted = (paths: readonly string[]): string => `[${paths.map((path) => `'${path}'`).join(', ')}]`
  if (otherFiles.length > 0) return `set stack.files to ${quoted(otherFiles)} in runbook.config.ts`
  const folder = label(labels.workingDirectory)
  if (folder !== '' && folder !== directory)
    return `set stack.directory to '${folder}' in runbook.config.ts: the service was created there`
  const read = label(labels.environmentFile)
  if (read !== '' && read !== envFiles.join(','))
    return `set stack.envFiles to ${quoted(read.split(','))} in runbook.config.ts`
  return `set what it was started with in stack.files, stack.envFiles or stack.environment; or, if the files are right, bring it up by them first: ${composeLine(stack, `up --detach ${service}`)}`
}
