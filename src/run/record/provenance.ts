import { basename, dirname } from 'node:path'
import type { Drivers } from '../../drivers/drivers.ts'
import type { GitView } from '../../drivers/git.ts'
import type { ImagesView } from '../../drivers/images.ts'
import { failureOf } from '../../kernel/errors.ts'
import type { Json, JsonObject } from '../../kernel/json.ts'
import type { Plan } from '../../model/plan.ts'
import { servicesIn } from '../../model/services-in.ts'
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
  const asked = [
    { what: 'configuration' as const, file: configuration },
    ...(runbook === null ? [] : [{ what: 'runbook' as const, file: runbook }]),
  ]
  const unknown = (why: string): Pick<SourceFile, 'commit' | 'tracked' | 'changed' | 'why'> => ({
    commit: null,
    tracked: null,
    changed: [],
    why,
  })
  let found: readonly SourceFile[]
  try {
    const trees = await git.workTrees(asked.map(({ file }) => dirname(file)))
    found = asked.map(({ what, file }, index) => {
      const tree = trees[index] ?? null
      if (tree === null) return { what, file, ...unknown('it is in no git work tree') }
      if (tree.sha === null) return { what, file, ...unknown('its work tree has no commit yet') }
      const tracked = ![...tree.untracked, ...tree.ignored].some(
        (path) => path === '.' || path === basename(file),
      )
      return { what, file, commit: tree.sha, tracked, changed: tree.changed.slice(0, 10), why: null }
    })
  } catch (thrown) {
    const { message } = failureOf(thrown)
    found = asked.map(({ what, file }) => ({ what, file, ...unknown(message) }))
  }
  if (runbook !== null) return found
  return [...found, { what: 'runbook', file: null, ...unknown('it comes with the program') }]
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
