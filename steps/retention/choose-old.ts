import { defineStep, isPending, RunbookError, say, type Look } from '../../src/index.ts'
import {
  bytesOf,
  describeParts,
  type Artifact,
  type Kind,
  type Inventory,
  type RetentionSources,
} from './lib/artifact.ts'
import { newestFirst, select } from '../backups/lib/retention-rule.ts'
import { has, kindsOf, inventoriesOf } from './lib/inventories.ts'
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
 * Chooses the old bundles, backups, images, databases, dumps and copies to remove. What is in use and the
 * newest one that verifies always stay; where none verifies, nothing of that kind goes.
 */
export const chooseOld = defineStep<Input, ChosenOld>({
  kind: 'retention.choose',
  version: 1,
  effect: 'observe',
  timeoutSeconds: 6 * 3600,
  describe: ({ what, keep }) =>
    say`Chooses what of ${what} may go, all but the newest ${keep ?? 'as configured'}; never what is in use, nor the newest that is whole.`,
  preflight: async (look, { from, what, keep }) => {
    if (isPending(from) || isPending(what) || isPending(keep)) return []
    if (keep !== null && keep < 1)
      return [
        {
          level: 'refuse',
          about: '--keep',
          problem: `${keep} of each would be kept`,
          hint: 'keep at least one: --keep 3',
        },
      ]
    const asked = kindsOf(what).filter((kind) => has(from, kind))
    if (asked.length === 0)
      return [
        {
          level: 'refuse',
          about: '--what',
          problem: `the target has no ${what === 'all' ? 'bundles, backups, images, databases or copies' : what} that grow old`,
          hint: 'its sections are in runbook.config.ts',
        },
      ]
    for (const kind of asked)
      for (const shelf of await inventoriesOf(look, from, kind)) keepOf(kind, shelf, keep)
    return []
  },
  run: async (look, { from, what, keep }) => {
    const chosen: { [K in Kind]: readonly Artifact[] } = {
      bundles: [],
      backups: [],
      images: [],
      databases: [],
      dumps: [],
      copies: [],
    }
    for (const kind of kindsOf(what)) {
      for (const shelf of await inventoriesOf(look, from, kind))
        chosen[kind] = [...chosen[kind], ...(await oldIn(look, shelf, keepOf(kind, shelf, keep)))]
    }
    chosen.images = withLast(chosen.images)
    const going = Object.values(chosen).flat()
    const listed = going.flatMap(describeParts)
    const told =
      going.length === 0
        ? 'nothing is too old'
        : `${going.length} are too old: ${going.reduce((sum, one) => sum + bytesOf(one), 0)} bytes`
    for (const line of [told, ...listed]) look.note(line)
    return { ...chosen, any: going.length > 0, listed, told }
  },
})

async function oldIn(look: Look, shelf: Inventory, keep: number): Promise<readonly Artifact[]> {
  for (const { name, because } of shelf.unknown ?? []) look.note(`${name} stays: ${because}`)
  const ordered = newestFirst(shelf.artifacts)
  // Where nothing could be removed anyway, nothing has to be read.
  if (select(ordered, { keep, inUse: shelf.inUse, verified: '', before: shelf.before }).go.length === 0)
    return []
  const { go, spared } = select(ordered, {
    keep,
    inUse: shelf.inUse,
    verified: await newestIntact(look, shelf, ordered),
    before: shelf.before,
  })
  for (const { name, because } of spared) look.note(`${name} stays: ${because}`)
  return go
}

async function newestIntact(
  look: Look,
  shelf: Inventory,
  ordered: readonly Artifact[],
): Promise<string | null> {
  for (const one of ordered) {
    try {
      await shelf.verify(one)
      return one.name
    } catch (thrown) {
      // What cannot be read now may still be intact, which would change the choice.
      if (!(thrown instanceof RunbookError) || thrown.code !== 'verification') throw thrown
      look.note(`${one.name} is not whole: ${thrown.message}`)
    }
  }
  return null
}

function keepOf(kind: Kind, { keep }: Inventory, asked: number | null): number {
  const count = asked ?? keep
  if (count !== null) return count
  throw new RunbookError('usage', `how many ${kind} are to be kept is not said`, {
    hint: 'say --keep 3, or set data.keep in runbook.config.ts',
  })
}
