import { defineStep, isPending, sameJson, say, type Io, type Look } from '../../src/index.ts'
import { listedIn, sumsIn, withoutChecksums } from '../releases/lib/sums.ts'
import { lastOf } from '../files/lib/path.ts'
import { requireMounted } from './lib/backups.ts'
import { bytesOf, describeParts, type Artifact, type Kind, type RetentionSources } from './lib/artifact.ts'
import { inventoriesOf } from './lib/inventories.ts'

type Input = {
  readonly from: RetentionSources
  readonly kind: Kind
  /**
   * What was chosen; nothing else is removed, whatever becomes old meanwhile. Null where an earlier version chose, which
   * did not know this kind.
   */
  readonly chosen: readonly Artifact[] | null
}

type Before = {
  readonly remove: readonly Artifact[]
  /** Names with a line in `SHA256SUMS`. */
  readonly listed: readonly string[]
}

export type RemovedOld = { readonly removed: readonly string[]; readonly bytes: number }

/**
 * Removes what was chosen as too old, each with all its parts. What has come into use or changed since
 * stays.
 */
export const removeOld = defineStep<Input, RemovedOld, Before>({
  kind: 'retention.remove',
  version: 1,
  effect: 'destroy',
  irreversible: 'removed artifacts cannot be restored',
  timeoutSeconds: 3600,
  describe: ({ kind, chosen }) =>
    isPending(chosen) || isPending(kind)
      ? say`Removes the ${kind} that were chosen, and no others.`
      : `Removes ${chosen?.length ?? 0} ${kind}.`,
  survey: async (look, { from, kind, chosen }) => {
    const remove = chosen === null || chosen.length === 0 ? [] : await stillOld(look, from, kind, chosen)
    return { remove, listed: listedIn(await sumsOf(look, from, kind), remove.map(bundleOf)) }
  },
  predict: ({ before }) => ({
    output: before === undefined ? null : outputOf(before),
    changes: (before?.remove ?? []).flatMap(describeParts).map((part) => `${part} is removed`),
  }),
  run: async (io, { input: { from, kind }, before }) => {
    if (before.remove.length === 0) return outputOf(before)
    if (kind === 'backups' && from.data !== null) await requireMounted(io, from.data)
    const sums = await sumsOf(io, from, kind)
    // The list first, so that it never names a file that is missing.
    if (sums !== null && listedIn(sums, before.listed).length > 0)
      await io.files.write(`${from.release?.directory}/SHA256SUMS`, withoutChecksums(sums, before.listed))
    for (const one of before.remove) {
      await removeOne(io, from, one)
      for (const part of describeParts(one)) io.note(`removed ${part}`)
    }
    return outputOf(before)
  },
  probe: async (look, { input: { from, kind }, before }) => {
    const { remove, listed } = before
    if (remove.length === 0) return { is: 'done', output: outputOf(before) }
    if (kind === 'backups' && from.data !== null) await requireMounted(look, from.data)
    const lines = listedIn(await sumsOf(look, from, kind), listed).length
    const there = (await Promise.all(remove.map(async (one) => partsThere(look, from, one)))).flat()
    if (there.length === 0 && lines === 0) return { is: 'done', output: outputOf(before) }
    const parts = remove.flatMap((one) => describeParts(one)).length
    return there.length === parts && lines === listed.length
      ? { is: 'absent' }
      : { is: 'torn', why: `${there.length} of ${parts} parts still exist` }
  },
  rerunnable: true,
})

const outputOf = ({ remove }: Before): RemovedOld => ({
  removed: remove.map(({ name }) => name),
  bytes: remove.reduce((sum, one) => sum + bytesOf(one), 0),
})

const bundleOf = ({ name }: Artifact): string => `${name}.tar.gz`

const sumsOf = async (
  look: Pick<Look, 'files'>,
  { release }: RetentionSources,
  kind: Kind,
): Promise<string | null> => (kind === 'bundles' && release !== null ? sumsIn(look, release.directory) : null)

async function stillOld(
  look: Look,
  from: RetentionSources,
  kind: Kind,
  chosen: readonly Artifact[],
): Promise<readonly Artifact[]> {
  const inventories = await inventoriesOf(look, from, kind)
  return chosen.filter((one) => {
    const inventory = inventories.find(({ artifacts }) => artifacts.some(({ name }) => name === one.name))
    const now = inventory?.artifacts.find(({ name }) => name === one.name)
    const use = inventory?.inUse.get(one.name)
    const why =
      use !== undefined
        ? `in use: ${use}`
        : now === undefined || !sameJson(now.files, one.files) || now.image?.id !== one.image?.id
          ? 'it has changed since it was chosen'
          : null
    if (why !== null) look.note(`${one.name} stays: ${why}`)
    return why === null
  })
}

async function removeOne(io: Io, { database }: RetentionSources, one: Artifact): Promise<void> {
  if (one.image !== null) await removeName(io, one.image)
  if (one.database !== null && database !== null) await io.databases.drop(database, one.database.name)
  for (const { path } of one.files) await io.files.removeTree(path)
}

/** An image that has other names, such as one given meanwhile, stays. */
async function removeName(io: Io, { tag, last }: NonNullable<Artifact['image']>): Promise<void> {
  const image = await io.images.find(tag)
  if (image === null) return
  if (last && image.tags.length === 1) await io.images.remove(image.id)
  else await io.images.untag(tag)
}

async function partsThere(
  look: Look,
  { database }: RetentionSources,
  { image, database: copy, files }: Artifact,
): Promise<readonly string[]> {
  const found = await Promise.all(
    files.map(async ({ path }) => ((await look.files.stat(path)) === null ? [] : [lastOf(path)])),
  )
  return [
    ...found.flat(),
    ...(image !== null && (await look.images.find(image.tag)) !== null ? [image.tag] : []),
    ...(copy !== null && database !== null && (await look.databases.exists(database, copy.name))
      ? [copy.name]
      : []),
  ]
}
