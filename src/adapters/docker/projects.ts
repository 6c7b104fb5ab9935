import type { ComposeProject, LooseContainer, ProjectsView } from '../../drivers/projects.ts'
import type { Scope } from '../../drivers/scope.ts'
import { compose } from './compose.ts'
import { dockerEngine, nullIfNotFound, type DockerEngine } from './connection.ts'
import { labels, type ContainerInfo } from './containers.ts'
import { throwawayLabel } from './run-labels.ts'

/** Compose projects of the Docker daemon. */
export function dockerProjects({
  scope,
  engine = dockerEngine(),
}: {
  readonly scope: Scope
  readonly engine?: DockerEngine
}): ProjectsView {
  const containers = (): Promise<readonly ContainerInfo[]> =>
    engine.ask(scope, {
      doing: 'list the containers',
      ask: (docker, abortSignal) => docker.listContainers({ all: true, abortSignal }),
    })
  return {
    async list() {
      const projects = Map.groupBy(await containers(), ({ Labels }) => Labels[labels.project] ?? '')
      return [...projects]
        .filter(([name]) => name !== '')
        .map(([name, all]) => projectOf(name, all.toSorted(oldestFirst)))
        .toSorted(byName)
    },

    async loose() {
      return (await containers())
        .filter(({ Labels }) => Labels[labels.project] === undefined && Labels[throwawayLabel] === undefined)
        .map(looseOf)
        .toSorted(byName)
    },

    document: (stack) => compose(engine, scope).document(stack),

    async healthcheckOf(image) {
      const found = await engine
        .ask(scope, { doing: `inspect image ${image}`, ask: (docker) => docker.getImage(image).inspect() })
        .catch(nullIfNotFound)
      // @types/dockerode leaves it out; ImageInspect of the API of the engine has it since 1.24.
      const config = found?.Config as
        | { readonly Healthcheck?: { readonly Test?: readonly string[] } }
        | undefined
      const test = config?.Healthcheck?.Test ?? []
      return test.length === 0 || test[0] === 'NONE' ? null : test
    },

    async volumeFolder(name) {
      const volume = await engine
        .ask(scope, { doing: `inspect volume ${name}`, ask: (docker) => docker.getVolume(name).inspect() })
        .catch(nullIfNotFound)
      return volume === null || volume.Driver !== 'local' ? null : volume.Mountpoint
    },
  }
}

const byName = (one: { readonly name: string }, other: { readonly name: string }): number =>
  one.name < other.name ? -1 : Number(one.name > other.name)

const oldestFirst = (one: ContainerInfo, other: ContainerInfo): number => one.Created - other.Created

function projectOf(name: string, all: readonly ContainerInfo[]): ComposeProject {
  const regular = all.filter(({ Labels }) => Labels[labels.oneOff] !== 'True')
  // The newest container has the files of the newest `up`.
  const newest = (regular.length > 0 ? regular : all).at(-1)?.Labels ?? {}
  return {
    name,
    directory: newest[labels.workingDirectory] ?? null,
    files: listIn(newest[labels.configFiles]),
    envFiles: listIn(newest[labels.environmentFile]),
    containers: regular
      .map(({ Labels, Image, State, Status }) => ({
        service: Labels[labels.service] ?? '',
        image: Image,
        running: State === 'running',
        exitCode: exitCodeIn(State, Status),
      }))
      .toSorted((one, other) => byName({ name: one.service }, { name: other.service })),
    labels: Object.fromEntries(all.flatMap(({ Labels }) => ownLabels(Labels))),
  }
}

/** Compose joins them with commas (docker/compose, pkg/compose/create.go). */
const listIn = (text: string | undefined): readonly string[] =>
  (text ?? '').split(',').filter((path) => path !== '')

/** `Exited (137) 2 hours ago` (moby, container/state.go). */
function exitCodeIn(state: string, status: string): number | null {
  const code = state === 'exited' ? /^Exited \((\d+)\)/.exec(status)?.[1] : undefined
  return code === undefined ? null : Number(code)
}

const ownLabels = (all: { readonly [name: string]: string }): readonly (readonly [string, string])[] =>
  Object.entries(all).filter(([name]) => !name.startsWith('com.docker.compose.'))

const looseOf = ({ Id, Names, Image, Labels }: ContainerInfo): LooseContainer => ({
  name: (Names[0] ?? Id).replace(/^\//, ''),
  image: Image,
  labels: Labels,
})
