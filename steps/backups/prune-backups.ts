import {
  defineStep,
  isPending,
  manifestFiles,
  RunbookError,
  say,
  type DataArchive,
  type Look,
  type Verified,
} from '../../src/index.ts'
import { filed, makingOf, mounted } from './lib/destination.ts'
import { replacedAmong, withSizes, type FilePart } from '../files/lib/chosen-file.ts'
import { toPrune } from './lib/backups-to-prune.ts'

type Input = {
  readonly data: DataArchive
  /** The backup that this run made and verified; it is never removed. */
  readonly newest: Verified
  /** How many stay, including the newest; null uses the configuration. */
  readonly keep: number | null
}

type RemovedBackup = { readonly file: string; readonly bytes: number }
type Before = {
  readonly remove: readonly RemovedBackup[]
  /** Manifests, their signatures and checksums that exist. Missing in older journals. */
  readonly beside?: readonly string[]
  /** The backups themselves, as they were chosen. Missing in older journals. */
  readonly parts?: readonly FilePart[]
}
type Output = { readonly removed: readonly RemovedBackup[]; readonly bytes: number }

/**
 * Removes old backups, each with its checksum and manifest. What somebody else put under the name of one stays.
 * @throws RunbookError `usage` where no count is given or configured, or it is below 1
 */
export const pruneBackups = defineStep<Input, Output, Before>({
  kind: 'backups.prune',
  version: 1,
  effect: 'destroy',
  irreversible: 'a removed backup cannot be restored',
  describe: ({ data, keep }) => {
    const configured = isPending(data) ? null : data.making?.keep
    const count = isPending(keep) ? say`${keep}` : String(keep ?? configured ?? 'few')
    const folder = isPending(data) ? 'their folder' : data.place.directory
    return `Removes all but the newest ${count} backups in ${folder}, each with its checksum and manifest.`
  },
  preflight: async (_, { data, keep }) => {
    if (!isPending(data) && !isPending(keep)) keepOf(data, keep)
    return []
  },
  survey: async (look, { data, newest, keep }) => {
    await mounted(look, data)
    const remove = await selected(look, data, newest.file, keepOf(data, keep))
    const beside = remove.flatMap(({ file }) => besideOf(file))
    const found = await Promise.all(beside.map((path) => look.files.stat(path)))
    return {
      remove,
      beside: beside.filter((_, index) => found[index] !== null),
      parts: await withSizes(
        look,
        remove.map(({ file }) => file),
      ),
    }
  },
  predict: ({ before }) => ({
    output: before === undefined ? null : { removed: before.remove },
    changes: (before?.remove ?? []).map(({ file, bytes }) => `${file} (${bytes} bytes) is removed`),
  }),
  run: async (io, { input: { data }, before }) => {
    await mounted(io, data)
    const remove = await stillChosen(io, before)
    for (const { file, bytes } of remove) {
      // They go first: a kill then leaves a backup without them, which the next pruning removes.
      for (const path of besideOf(file)) await io.files.removeTree(path)
      await io.files.removeTree(file)
      io.note(`removed ${file} (${bytes} bytes)`)
    }
    return outputOf(remove)
  },
  probe: async (look, { input: { data }, before }) => {
    await mounted(look, data)
    const remove = await stillChosen(look, before)
    const files = remove.map(({ file }) => file)
    const own = files.flatMap(besideOf)
    const paths = [
      ...(before.beside?.filter((path) => own.includes(path)) ?? files.map((file) => `${file}.sha256`)),
      ...files,
    ]
    const there: string[] = []
    for (const path of paths) if ((await look.files.stat(path)) !== null) there.push(path)
    if (there.length === 0) return { is: 'done', output: outputOf(remove) }
    return there.length === paths.length
      ? { is: 'absent' }
      : { is: 'torn', why: `${there.length} of ${paths.length} files still exist, the first is ${there[0]}` }
  },
  rerunnable: true,
})

/** In the order of their removal. */
const besideOf = (file: string): readonly string[] => [`${file}.sha256`, ...manifestFiles(file)]

async function stillChosen(
  look: Pick<Look, 'files' | 'note'>,
  { remove, parts = [] }: Before,
): Promise<readonly RemovedBackup[]> {
  const replaced = await replacedAmong(look, parts)
  for (const file of replaced) look.note(`${file} stays: it is not the one that was chosen`)
  return remove.filter(({ file }) => !replaced.has(file))
}

const outputOf = (remove: readonly RemovedBackup[]): Output => ({
  removed: remove,
  bytes: remove.reduce((sum, { bytes }) => sum + bytes, 0),
})

async function selected(
  look: Look,
  data: DataArchive,
  newest: string,
  keep: number,
): Promise<readonly RemovedBackup[]> {
  const others = (await filed(look, data)).filter(({ file }) => file !== newest)
  return toPrune(others, keep, data.place.minBytes, look.clock.now()).map(({ file, bytes }) => ({
    file,
    bytes,
  }))
}

function keepOf(data: DataArchive, asked: number | null): number {
  const keep = asked ?? makingOf(data).keep
  if (keep !== null && keep >= 1) return keep
  throw new RunbookError(
    'usage',
    keep === null
      ? 'number of backups to keep not given'
      : `cannot keep ${keep} backups: at least 1 must stay`,
    { hint: 'give --keep 3, or set data.keep in runbook.config.ts' },
  )
}
