import type { ComposeProject, LooseContainer, ProjectsView } from '../drivers/projects.ts'
import { cannot } from '../kernel/errors.ts'
import type { JsonObject } from '../kernel/json.ts'

export type FakeProjects = {
  readonly projects: ComposeProject[]
  readonly loose: LooseContainer[]
  /** What Compose makes of files, by the path of the first. */
  readonly documents: Map<string, JsonObject>
  /** Health checks of images, by their name. */
  readonly healthchecks: Map<string, readonly string[]>
  /** Folders of volumes by name. */
  readonly volumes: Map<string, string>
}

export const noProjects = (): FakeProjects => ({
  projects: [],
  loose: [],
  documents: new Map(),
  healthchecks: new Map(),
  volumes: new Map(),
})

export const fakeProjects = ({
  projects,
  loose,
  documents,
  healthchecks,
  volumes,
}: FakeProjects): ProjectsView => ({
  list: async () => projects.toSorted(byName),
  loose: async () => loose.toSorted(byName),
  async document({ project, files }) {
    const found = documents.get(files[0] ?? '')
    if (found !== undefined && files.every((file) => documents.has(file)))
      return project === '' ? found : { ...found, name: project }
    throw cannot('read', `the Compose files of ${project}`, 'no such file', {
      code: 'preflight',
      hint: 'check: docker compose config --quiet',
    })
  },
  healthcheckOf: async (image) => healthchecks.get(image) ?? null,
  volumeFolder: async (name) => volumes.get(name) ?? null,
})

const byName = (one: { readonly name: string }, other: { readonly name: string }): number =>
  one.name < other.name ? -1 : Number(one.name > other.name)
