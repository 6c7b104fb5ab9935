import { defineStep, isPending, say, type Io, type Look } from '../../src/index.ts'
import { listedIn, sumsIn, withoutChecksums } from '../releases/lib/sums.ts'
import { requireMounted } from './lib/backups.ts'
import { bytesOf, describeParts, type Artifact, type Kind, type RetentionSources } from './lib/artifact.ts'
import { inventoriesOf } from './lib/inventories.ts'
import { isUnchanged, partsNow, type Parts } from './lib/parts.ts'

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
    output: before === undefined ? null : outputOf(before.remove),
    changes: (before?.remove ?? []).flatMap(describeParts).map((part) => `${part} is removed`),
  }),
  run: async (io, { input: { from, kind }, before }) => {
    if (before.remove.length === 0) return outputOf([])
    if (kind === 'backups' && from.data !== null) await requireMounted(io, from.data)
    const chosen = await stillChosen(io, from, before)
    const listed = listedOf(before, chosen)
    const sums = await sumsOf(io, from, kind)
    // The list first, so that it never names a file that is missing.
    if (sums !== null && listedIn(sums, listed).length > 0)
      await io.files.write(`${from.release?.directory}/SHA256SUMS`, withoutChecksums(sums, listed))
    const removed: Artifact[] = []
    for (const { one } of chosen) {
      // Again, since removing the ones before it may take long.
      if (isReplaced(io, one, await partsNow(io, from.database, one))) continue
      await removeOne(io, from, one)
      removed.push(one)
      for (const part of describeParts(one)) io.note(`removed ${part}`)
    }
    return outputOf(removed)
  },
  probe: async (look, { input: { from, kind }, before }) => {
    if (before.remove.length === 0) return { is: 'done', output: outputOf([]) }
    if (kind === 'backups' && from.data !== null) await requireMounted(look, from.data)
    const chosen = await stillChosen(look, from, before)
    const listed = listedOf(before, chosen)
    const lines = listedIn(await sumsOf(look, from, kind), listed).length
    const there = chosen.flatMap(({ now }) => now.there).length
    const remove = chosen.map(({ one }) => one)
    if (there === 0 && lines === 0) return { is: 'done', output: outputOf(remove) }
    const parts = remove.flatMap(describeParts).length
    return there === parts && lines === listed.length
      ? { is: 'absent' }
      : { is: 'torn', why: `${there} of ${parts} parts still exist` }
  },
  rerunnable: true,
})

const outputOf = (remove: readonly Artifact[]): RemovedOld => ({
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
        : now === undefined || !isUnchanged(one, now)
          ? 'it has changed since it was chosen'
          : null
    if (why !== null) look.note(`${one.name} stays: ${why}`)
    return why === null
  })
}

/** Without those of which a part is another one now: they stay completely. */
async function stillChosen(
  look: Look,
  { database }: RetentionSources,
  { remove }: Before,
): Promise<readonly { readonly one: Artifact; readonly now: Parts }[]> {
  const all = await Promise.all(
    remove.map(async (one) => ({ one, now: await partsNow(look, database, one) })),
  )
  return all.filter(({ one, now }) => !isReplaced(look, one, now))
}

function isReplaced(look: Pick<Look, 'note'>, { name }: Artifact, { replaced }: Parts): boolean {
  if (replaced.length > 0) look.note(`${name} stays: ${replaced.join(', ')} is not the one that was chosen`)
  return replaced.length > 0
}

const listedOf = (before: Before, chosen: readonly { readonly one: Artifact }[]): readonly string[] => {
  const bundles = chosen.map(({ one }) => bundleOf(one))
  return before.listed.filter((name) => bundles.includes(name))
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
