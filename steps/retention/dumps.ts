import { RunbookError, type Look, type Retention } from '../../src/index.ts'
import { dumpLabels } from '../databases/names.ts'
import { momentIn } from './kept-databases.ts'
import { bytesOf, plain, sized, type Holding, type Shelf, type Sources } from './holding.ts'

/** Dumps and copies that runs made before they replaced a database, and of what they put aside. */
export async function dumpsOf(
  look: Look,
  { database, volume }: Pick<Sources, 'database' | 'volume'>,
  { dumps, keepOldSeconds }: Retention,
): Promise<readonly Shelf[]> {
  const there = (await look.files.stat(dumps)) === null ? [] : await look.files.list(dumps)
  const before = look.clock.now().getTime() - keepOldSeconds * 1000
  const shelf = async (
    name: string,
    endings: readonly string[],
    verify: Shelf['verify'],
  ): Promise<Shelf> => ({
    holdings: await Promise.all(
      there.flatMap((file) => {
        const takenAt = dumpedAt(name, file)
        return takenAt === null ? [] : [dumpAt(look, `${dumps}/${file}`, takenAt, endings)]
      }),
    ),
    keep: 1,
    before,
    inUse: new Map(),
    verify,
  })
  return Promise.all([
    ...(database === null
      ? []
      : [shelf(database.name, [], ({ name }) => look.databases.inspect(database, name))]),
    ...(volume === null ? [] : [shelf(volume, ['-wal', '-journal'], notEmpty)]),
  ])
}

/** A copy of a database that may have been damaged is whole if it is there: to open it would write beside it. */
const notEmpty: Shelf['verify'] = async (one) => {
  if (bytesOf(one) === 0) throw new RunbookError('verification', `${one.name} is empty`)
}

const dumpAt = async (
  look: Look,
  path: string,
  takenAt: Date,
  endings: readonly string[],
): Promise<Holding> => ({
  ...plain,
  name: path,
  takenAt: takenAt.toISOString(),
  files: await sized(look, [...endings.map((ending) => `${path}${ending}`), path]),
})

/** When a run made this dump, told from the run's id in its name; null for what no run of ours made. */
export function dumpedAt(database: string, file: string): Date | null {
  const label = dumpLabels.find((one) => file.startsWith(`${database}-${one}-`))
  if (label === undefined) return null
  const run = /^(\d{8}-\d{6}-\w+)\.(?:dump|db)$/.exec(file.slice(`${database}-${label}-`.length))?.[1]
  return run === undefined ? null : momentIn(run)
}
