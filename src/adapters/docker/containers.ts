import { realpath } from 'node:fs/promises'
import type Dockerode from 'dockerode'
import type { Scope } from '../../drivers/scope.ts'
import type { ComposeStack } from '../../drivers/services.ts'
import { cannot } from '../../kernel/errors.ts'
import { composeLine } from '../../model/compose-line.ts'
import { dockerEngine, isDaemonDown, type DockerEngine } from './connection.ts'

/** Labels that Compose sets on every container it creates (docker/compose, pkg/api/labels.go). */
export const labels = {
  project: 'com.docker.compose.project',
  service: 'com.docker.compose.service',
  number: 'com.docker.compose.container-number',
  oneOff: 'com.docker.compose.oneoff',
  configHash: 'com.docker.compose.config-hash',
  configFiles: 'com.docker.compose.project.config_files',
  environmentFile: 'com.docker.compose.project.environment_file',
  workingDirectory: 'com.docker.compose.project.working_dir',
  version: 'com.docker.compose.version',
  dependsOn: 'com.docker.compose.depends_on',
} as const

export type ContainerInfo = Dockerode.ContainerInfo

/** Every container of some services, including stopped ones but no one-offs, ordered by number. */
export async function containersOf(
  engine: DockerEngine,
  scope: Pick<Scope, 'signal'>,
  stack: ComposeStack,
  services: readonly string[],
): Promise<ReadonlyMap<string, readonly ContainerInfo[]>> {
  const all = await engine.ask(scope, {
    doing: `list the containers of ${stack.project}`,
    answer: `containers of ${stack.project}`,
    ask: (docker, abortSignal) =>
      docker.listContainers({
        all: true,
        filters: { label: [`${labels.project}=${stack.project}`] },
        abortSignal,
      }),
  })
  return byService(all, services)
}

export function byService(
  all: readonly ContainerInfo[],
  services: readonly string[],
): ReadonlyMap<string, readonly ContainerInfo[]> {
  const number = (found: ContainerInfo): number => Number(found.Labels[labels.number] ?? 0)
  const regular = all
    .filter(({ Labels }) => Labels[labels.oneOff] !== 'True')
    .sort((one, other) => number(one) - number(other))
  return new Map(
    services.map((service) => [service, regular.filter(({ Labels }) => Labels[labels.service] === service)]),
  )
}

/**
 * Refuses services without a container that another project runs from the same files: the target has the
 * wrong project name, and what runs would be taken for missing.
 * @throws RunbookError `preflight`
 */
export async function refuseElsewhere(
  engine: DockerEngine,
  scope: Pick<Scope, 'signal'>,
  stack: ComposeStack,
  services: readonly string[],
): Promise<void> {
  const all = await engine.ask(scope, {
    doing: 'list the containers of other projects',
    ask: (docker, abortSignal) =>
      docker.listContainers({ all: true, filters: { label: [labels.project] }, abortSignal }),
  })
  const files = await Promise.all(stack.files.map(resolved))
  const others = all.filter(
    ({ Labels }) =>
      Labels[labels.project] !== stack.project &&
      Labels[labels.oneOff] !== 'True' &&
      services.includes(Labels[labels.service] ?? ''),
  )
  const theirs = await Promise.all(
    others.map(({ Labels }) => Promise.all((Labels[labels.configFiles] ?? '').split(',').map(resolved))),
  )
  const other = others.find((_, index) => theirs[index]?.some((file) => files.includes(file)))
  if (other === undefined) return
  const [service = '', project = ''] = [other.Labels[labels.service], other.Labels[labels.project]]
  throw cannot(
    'find',
    `${service} of the project ${stack.project}`,
    `it has no container there, and the project ${project} has one from the same files`,
    {
      code: 'preflight',
      hint: `set stack.project to '${project}' in runbook.config.ts; if both projects are meant, create it first: ${composeLine(stack, `create ${service}`)}`,
    },
  )
}

/** A link may lead to the file; one that is gone is compared as written. */
export const resolved = (file: string): Promise<string> => realpath(file).catch(() => file)

/** The running container of a service. @throws RunbookError `preflight` if the service is not running */
export async function runningContainer(
  engine: DockerEngine,
  scope: Pick<Scope, 'signal'>,
  stack: ComposeStack,
  service: string,
): Promise<string> {
  const found = (await containersOf(engine, scope, stack, [service])).get(service) ?? []
  const running = found.find(({ State }) => State === 'running')
  if (running !== undefined) return running.Id
  if (found[0] === undefined) await refuseElsewhere(engine, scope, stack, [service])
  const why = found[0] === undefined ? 'no container found' : `its container is ${found[0].State}`
  throw cannot('run a program in', `${service} of ${stack.project}`, why, {
    code: 'preflight',
    hint: startHint(stack, service, found[0]),
    down: `${stack.project}/${service}`,
  })
}

/**
 * Whether nobody can reach a service by its daemon: it has no running container, or no daemon listens.
 * @throws RunbookError `preflight` if Docker does not answer
 */
export async function isServiceDown(
  stack: ComposeStack,
  service: string,
  engine: DockerEngine = dockerEngine(),
): Promise<boolean> {
  try {
    const scope = { signal: new AbortController().signal }
    const found = (await containersOf(engine, scope, stack, [service])).get(service) ?? []
    return !found.some(({ State }) => State === 'running')
  } catch (thrown) {
    if (isDaemonDown(thrown)) return true
    throw thrown
  }
}

/** The command that brings a service up whose container does not run. */
function startHint(
  stack: ComposeStack,
  service: string,
  container: { readonly State: string } | undefined,
): string {
  if (container === undefined)
    return `create it, if its data is still there: ${composeLine(stack, `create ${service}`)}`
  if (container.State === 'paused') return `resume it: ${composeLine(stack, `unpause ${service}`)}`
  if (container.State === 'restarting')
    return `look why it does not stay up: ${composeLine(stack, `logs ${service}`)}`
  return `start it: ${composeLine(stack, `start ${service}`)}`
}
