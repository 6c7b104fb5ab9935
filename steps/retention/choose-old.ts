import { defineStep, isPending, RunbookError, say, type Look } from '../../src/index.ts'
import {
  bytesOf,
  describeParts,
  type Artifact,
  type Kind,
  type Inventory,
  type RetentionSources,
} from './lib/artifact.ts'
import { missingRightsFindings } from '../databases/lib/missing-rights.ts'
import { missingRightFindings } from '../files/lib/missing-right.ts'
import { folderOf } from '../files/lib/path.ts'
import { newestFirst, select } from '../backups/lib/retention-rule.ts'
import { isConfigured, kindsOf, inventoriesOf } from './lib/inventories.ts'
import { withLast } from './lib/snapshots.ts'

type Input = {
  readonly from: RetentionSources
  readonly what: string
  /** How many of each stay; null takes the configured number. */
  readonly keep: number | null
}

/** What is to be removed, decided once. */
export type ChosenOld = { readonly [K in Kind]: readonly Artifact[] } & {
  readonly any: boolean
  /** One line per part, with its size where it has one. */
  readonly listed: readonly string[]
  readonly told: string
}

/**
 * Chooses the old bundles, backups, images, databases, dumps, copies, downloads and folders to remove. What is in use and the
 * newest one that verifies always stay; where none verifies, nothing of that kind goes.
 */
export const chooseOld = defineStep<Input, ChosenOld>({
  kind: 'retention.choose',
  version: 1,
  effect: 'observe',
  timeoutSeconds: 6 * 3600,
  describe: ({ what, keep }) =>
    say`Chooses what to remove (${what}); keeps the newest ${keep ?? 'as configured'}, those in use and the newest intact one.`,
  preflight: async (look, { from, what, keep }) => {
    if (isPending(from) || isPending(what) || isPending(keep)) return []
    if (keep !== null && keep < 1)
      return [
        {
          level: 'refuse',
          about: '--keep',
          problem: `cannot keep ${keep} of each`,
          hint: 'keep at least one: --keep 3',
        },
      ]
    const selected = kindsOf(what).filter((kind) => isConfigured(from, kind))
    if (selected.length === 0)
      return [
        {
          level: 'refuse',
          about: '--what',
          problem: `no ${what === 'all' ? 'bundles, backups, images, databases, copies, downloads or folders' : what} to prune in the target`,
          hint: 'check the sections of the target in runbook.config.ts',
        },
      ]
    const old: Artifact[] = []
    for (const kind of selected)
      for (const inventory of await inventoriesOf(look, from, kind))
        old.push(...unreadOld(inventory, keepOf(kind, inventory, keep)).go)
    return [
      ...(await missingRightFindings(
        look,
        old.flatMap(({ files }) => files.map(({ path }) => folderOf(path))),
      )),
      ...(from.database !== null && old.some(({ database }) => database !== null)
        ? await missingRightsFindings(look, from.database, { do: 'drop copies' })
        : []),
    ]
  },
  run: async (look, { from, what, keep }) => {
    const chosen: { [K in Kind]: readonly Artifact[] } = {
      bundles: [],
      backups: [],
      images: [],
      databases: [],
      dumps: [],
      copies: [],
      downloads: [],
      folders: [],
    }
    for (const kind of kindsOf(what)) {
      for (const inventory of await inventoriesOf(look, from, kind))
        chosen[kind] = [...chosen[kind], ...(await oldIn(look, inventory, keepOf(kind, inventory, keep)))]
    }
    chosen.images = withLast(chosen.images)
    const removed = Object.values(chosen).flat()
    const listed = removed.flatMap(describeParts)
    const told =
      removed.length === 0
        ? 'nothing is too old'
        : `${removed.length} are too old: ${removed.reduce((sum, one) => sum + bytesOf(one), 0)} bytes`
    for (const line of [told, ...listed]) look.note(line)
    return { ...chosen, any: removed.length > 0, listed, told }
  },
})

async function oldIn(look: Look, inventory: Inventory, keep: number): Promise<readonly Artifact[]> {
  for (const { name, because } of inventory.unknown ?? []) look.note(`${name} stays: ${because}`)
  const ordered = newestFirst(inventory.artifacts)
  const unread = unreadOld(inventory, keep)
  // Where nothing could be removed anyway, nothing has to be read.
  if (unread.go.length === 0) {
    for (const { name, because } of unread.spared) look.note(`${name} stays: ${because}`)
    return []
  }
  const { go, spared } = select(ordered, {
    keep,
    inUse: inventory.inUse,
    verified: await newestIntact(look, inventory, ordered),
    before: inventory.before,
  })
  for (const { name, because } of spared) look.note(`${name} stays: ${because}`)
  return go
}

/** What is old where the newest intact one is not known: one more than what goes, at most. */
const unreadOld = ({ artifacts, inUse, before }: Inventory, keep: number) =>
  select(newestFirst(artifacts), { keep, inUse, verified: '', before })

async function newestIntact(
  look: Look,
  inventory: Inventory,
  ordered: readonly Artifact[],
): Promise<string | null> {
  for (const one of ordered) {
    try {
      await inventory.verify(one)
      return one.name
    } catch (thrown) {
      // What cannot be read now may still be intact, which would change the choice.
      if (!(thrown instanceof RunbookError) || thrown.code !== 'verification') throw thrown
      look.note(`${one.name} is not intact: ${thrown.message}`)
    }
  }
  return null
}

function keepOf(kind: Kind, { keep }: Inventory, given: number | null): number {
  const count = given ?? keep
  if (count !== null) return count
  throw new RunbookError('usage', `the number of ${kind} to keep is not configured`, {
    hint: 'add --keep 3, or set data.keep in runbook.config.ts',
  })
}
