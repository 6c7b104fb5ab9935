import { manifestFiles, RunbookError, type Look, type Retention } from '../../../src/index.ts'
import { dumpLabels, inFileName } from '../../databases/lib/names.ts'
import { momentIn } from './kept-databases.ts'
import { withSizes } from '../../files/lib/chosen-file.ts'
import { bytesOf, filesOnly, type Artifact, type Inventory, type RetentionSources } from './artifact.ts'

/** Dumps and copies that runs made before they replaced a database, and of what they put aside. */
export async function dumpsOf(
  look: Look,
  { database, volume }: Pick<RetentionSources, 'database' | 'volume'>,
  { dumps, keepOldSeconds }: Retention,
): Promise<readonly Inventory[]> {
  const there = (await look.files.stat(dumps)) === null ? [] : await look.files.list(dumps)
  const before = look.clock.now().getTime() - keepOldSeconds * 1000
  const inventoryOf = async (
    name: string,
    endings: readonly string[],
    verify: Inventory['verify'],
  ): Promise<Inventory> => ({
    artifacts: await Promise.all(
      there.flatMap((file) => {
        const takenAt = dumpedAt(name, file)
        return takenAt === null ? [] : [dumpAt(look, `${dumps}/${file}`, takenAt, endings)]
      }),
    ),
    unknown: there.flatMap((file) => {
      const label = unknownLabelIn(name, file)
      return label === null
        ? []
        : [
            {
              name: `${dumps}/${file}`,
              because: `no run creates a dump of ${name} with the label "${label}"`,
            },
          ]
    }),
    keep: 1,
    before,
    inUse: new Map(),
    verify,
  })
  return Promise.all([
    ...(database === null
      ? []
      : [inventoryOf(inFileName(database.name), [], ({ name }) => look.databases.readBack(database, name))]),
    ...(volume === null ? [] : [inventoryOf(volume, ['-wal', '-shm', '-journal'], notEmpty)]),
  ])
}

/** A copy of a possibly damaged database only has to exist: opening it would write files beside it. */
export const notEmpty: Inventory['verify'] = async (one) => {
  if (bytesOf(one) === 0) throw new RunbookError('verification', `${one.name} is empty`)
}

const dumpAt = async (
  look: Look,
  path: string,
  takenAt: Date,
  endings: readonly string[],
): Promise<Artifact> => ({
  ...filesOnly,
  name: path,
  takenAt: takenAt.toISOString(),
  files: await withSizes(look, [
    `${path}.sha256`,
    ...manifestFiles(path),
    ...endings.map((ending) => `${path}${ending}`),
    path,
  ]),
})

/** When a run made this dump, from the run's id in its name; null for a file that no run made. */
export function dumpedAt(database: string, file: string): Date | null {
  const named = parseDumpName(database, file)
  return named === null || !isKnown(named.label) ? null : named.takenAt
}

/**
 * The label in a name that looks like a dump of this database, if runs never use it: it may be another
 * database's.
 */
export function unknownLabelIn(database: string, file: string): string | null {
  const named = parseDumpName(database, file)
  return named === null || isKnown(named.label) ? null : named.label
}

const isKnown = (label: string): boolean => dumpLabels.some((one) => one === label)

function parseDumpName(
  database: string,
  file: string,
): { readonly label: string; readonly takenAt: Date } | null {
  if (!file.startsWith(`${database}-`)) return null
  const [, label, run] = /^(.+)-(\d{8}-\d{6}-\w+)\.(?:dump|db)$/.exec(file.slice(database.length + 1)) ?? []
  const takenAt = run === undefined ? null : momentIn(run)
  return label === undefined || takenAt === null ? null : { label, takenAt }
}
