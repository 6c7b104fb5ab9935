import { basename, dirname } from 'node:path'
import type { Drivers } from '../../drivers/drivers.ts'
import type { GitView } from '../../drivers/git.ts'
import type { ImagesView } from '../../drivers/images.ts'
import { failureOf } from '../../kernel/errors.ts'
import type { Json, JsonObject } from '../../kernel/json.ts'
import type { Plan } from '../../model/plan.ts'
import { servicesIn } from '../engine/services-in.ts'
import type { Stored } from '../journal/entry.ts'
import type { Provenance, SourceFile, UsedImage } from '../journal/provenance.ts'

/** The files that decide what a run does; null for a runbook of the program. */
export type Sources = { readonly configuration: string; readonly runbook: string | null }

export type Seen = Pick<Drivers, 'git' | 'images' | 'services'>

/** Looks at what a run is made from. What cannot be looked at is unknown, and no reason to fail. */
export async function provenanceOf(seen: Seen, sources: Sources, plan: Plan): Promise<Provenance> {
  const [files, images] = await Promise.all([
    sourceFiles(seen.git, sources),
    serviceImages(seen, inputsOf(plan)),
  ])
  return { files, images }
}

/** The images of the services and throwaway servers of a run, at its end. */
export async function imagesOf(
  seen: Seen,
  entries: readonly Stored[],
  plan: Plan,
): Promise<readonly UsedImage[]> {
  const given = entries.flatMap(({ entry }) => (entry.type === 'intent' ? [entry.input] : []))
  const [ofServices, ofThrowaways] = await Promise.all([
    serviceImages(seen, [...inputsOf(plan), ...given]),
    Promise.all(
      throwawayImages(entries).map(async (image) => {
        const what = 'throwaway server'
        try {
          const id = (await seen.images.find(image))?.id ?? null
          if (id === null) return { what, image, id, why: 'it is no longer on this machine' }
          return { what, image, id, why: null, digests: await digestsOf(seen.images, id) }
        } catch (thrown) {
          return { what, image, id: null, why: failureOf(thrown).message }
        }
      }),
    ),
  ])
  return [...ofServices, ...ofThrowaways]
}

const inputsOf = ({ steps }: Plan): readonly JsonObject[] => steps.map(({ input }) => input)

async function sourceFiles(
  git: GitView,
  { configuration, runbook }: Sources,
): Promise<readonly SourceFile[]> {
  // Mostly one folder, and each question starts programs.
  const folders = new Map<string, ReturnType<typeof workTree>>()
  const of = async (what: SourceFile['what'], file: string): Promise<SourceFile> => {
    const folder = dirname(file)
    const unknown = (why: string): SourceFile => ({ ...noCommit, what, file, why })
    try {
      const read = folders.get(folder) ?? workTree(git, folder)
      folders.set(folder, read)
      // At once, since a run waits for it.
      const [ignored, tree] = await Promise.allSettled([git.ignores(folder, file), read])
      if (ignored.status === 'rejected') throw ignored.reason
      if (ignored.value === null) return unknown('it is in no git work tree')
      if (tree.status === 'rejected') throw tree.reason
      const { commit, changed, untracked } = tree.value
      const tracked = !ignored.value && !untracked.includes(basename(file))
      return { what, file, commit, tracked, changed: changed.slice(0, 10), why: null }
    } catch (thrown) {
      return unknown(failureOf(thrown).message)
    }
  }
  return Promise.all([
    of('configuration', configuration),
    runbook === null
      ? { ...noCommit, what: 'runbook' as const, file: null, why: 'it comes with the program' }
      : of('runbook', runbook),
  ])
}

const noCommit = { commit: null, tracked: null, changed: [] } as const

async function workTree(
  git: GitView,
  folder: string,
): Promise<{
  readonly commit: string
  readonly changed: readonly string[]
  readonly untracked: readonly string[]
}> {
  const [{ sha }, { changed, untracked }] = await Promise.all([git.head(folder), git.dirty(folder)])
  return { commit: sha, changed, untracked }
}

async function serviceImages(
  { services, images }: Pick<Seen, 'services' | 'images'>,
  inputs: readonly JsonObject[],
): Promise<readonly UsedImage[]> {
  const groups = servicesIn(inputs as Json).filter(({ names }) => names.length > 0)
  const found = await Promise.all(
    groups.map(async ({ stack, names }): Promise<readonly UsedImage[]> => {
      const called = (name: string): string => `${name} of ${stack.project}`
      const unknown = (name: string, why: string): UsedImage => ({
        what: called(name),
        image: null,
        id: null,
        why,
      })
      try {
        const states = await services.states({ stack, names })
        const used = states.flatMap(({ service, instances }) =>
          instances.length === 0
            ? [unknown(service, 'it has no instance')]
            : distinct(
                instances.map(({ image, imageId }) => ({ what: called(service), image, ...idOf(imageId) })),
              ),
        )
        if (stack.kind === 'process') return used
        return await Promise.all(
          used.map(async (one) =>
            one.id === null ? one : { ...one, digests: await digestsOf(images, one.id) },
          ),
        )
      } catch (thrown) {
        return names.map((name) => unknown(name, failureOf(thrown).message))
      }
    }),
  )
  return found.flat()
}

/** Null where it is not known: no reason to lose the id. */
const digestsOf = (images: ImagesView, id: string): Promise<readonly string[] | null> =>
  images.digests(id).catch(() => null)

/** A process that somebody else started has no digest. */
const idOf = (imageId: string): Pick<UsedImage, 'id' | 'why'> =>
  imageId === 'unknown' ? { id: null, why: 'it was not started by this program' } : { id: imageId, why: null }

const distinct = (images: readonly UsedImage[]): readonly UsedImage[] => [
  ...new Map(images.map((one) => [one.id, one])).values(),
]

/** Throwaway servers are known by what their steps wrote before they were started. */
function throwawayImages(entries: readonly Stored[]): readonly string[] {
  const images = entries.flatMap(({ entry }) => {
    if (entry.type !== 'intent' || typeof entry.before !== 'object' || entry.before === null) return []
    const { container, image } = entry.before as JsonObject
    return typeof container === 'string' && typeof image === 'string' ? [image] : []
  })
  return [...new Set(images)].sort()
}
