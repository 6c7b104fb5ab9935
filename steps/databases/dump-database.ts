import {
  defineStep,
  isPending,
  manifestFiles,
  say,
  type Database,
  type Dump,
  type Look,
} from '../../src/index.ts'
import { missingRightFindings } from '../files/lib/missing-right.ts'
import { dumpSigned } from './lib/dump-signed.ts'
import { inFileName, type DumpLabel } from './lib/names.ts'
import { unreadableFindings } from './lib/unreadable.ts'

type Input = {
  readonly database: Database
  /** Name of the live database, or of one beside it. */
  readonly name: string
  readonly folder: string
  /** Part of the file's name: `before-rollback`. */
  readonly label: DumpLabel
}

type DumpSource = NonNullable<FallbackDump['source']>

/** `source` is missing in older journals. */
type Before = { readonly file: string; readonly bytes: number; readonly source?: DumpSource }

/**
 * A dump that this run took and read back to its last byte: a restore in place requires it. What it holds is
 * not judged: it may be the damaged data that is replaced.
 */
export type FallbackDump = Dump & {
  readonly dumpedFrom: string
  /** Which database it was, and which tables it had. Missing in older journals. */
  readonly source?: { readonly instance: string; readonly generation: string }
}

/**
 * Dumps a database to a file that gets its name only once it is complete and was read back, and signs its
 * manifest. Undone by removing the files.
 */
export const dumpDatabase = defineStep<Input, FallbackDump, Before>({
  kind: 'databases.dump',
  version: 1,
  effect: 'change',
  alsoChanges: ({ database }) => (isPending(database) ? null : []),
  describe: ({ name, folder, label }) =>
    say`Dumps ${name} into ${folder}, named ${label}, reads the dump back and signs its manifest.`,
  preflight: async (look, { database, folder }) => {
    if (isPending(database)) return []
    const unreadable = await unreadableFindings(look, database, 'dump')
    if (isPending(folder)) return unreadable
    const found = [...unreadable, ...(await missingRightFindings(look, [folder]))]
    const { bytes } = await look.databases.identity(database)
    const free = await look.files.freeBytes(folder)
    if (free >= bytes) return found
    return [
      ...found,
      {
        level: 'refuse',
        about: folder,
        problem: `a dump of ${database.name} may need ${Math.ceil(bytes / 1e6)} MB, and ${folder} has ${Math.ceil(free / 1e6)} MB free`,
        hint: 'make room, or set retention.dumps in runbook.config.ts to a larger place',
      },
    ]
  },
  survey: async (look, { database, name, folder, label }) => ({
    file: `${folder}/${inFileName(database.name)}-${label}-${look.run.id}.${database.engine === 'sqlite' ? 'db' : 'dump'}`,
    bytes: await look.databases.bytes(database, name),
    source: await sourceOf(look, database, name),
  }),
  predict: ({ before }) => ({
    output: before === undefined ? null : { file: before.file },
    changes: before === undefined ? [] : [`a dump ${before.file}, with a signed manifest`],
    ...(before === undefined ? {} : { bytes: before.bytes }),
  }),
  run: async (io, { input: { database, name, folder }, before: { file, source } }) => {
    await io.files.makeFolder(folder)
    return { ...(await dumpSigned(io, database, name, file)), ...about(name, source) }
  },
  probe: async (look, { input: { database, name }, before: { file, source }, way }) => {
    // Both names may exist for a moment. A dump is never overwritten, so the undo clears what is there first.
    if ((await look.files.stat(`${file}.partial`)) !== null)
      return { is: 'torn', why: `${file}.partial still exists` }
    const [manifest, signature] = manifestFiles(file)
    const signed = (await look.files.stat(manifest)) !== null
    if ((await look.files.stat(file)) === null) {
      const left = signed ? manifest : (await look.files.stat(signature)) === null ? null : signature
      return left === null ? { is: 'absent' } : { is: 'torn', why: `${left} still exists` }
    }
    // An undo removes the file, whatever is in it.
    if (way === 'back') return { is: 'torn', why: `${file} still exists` }
    if (!signed) return { is: 'torn', why: `${manifest} does not exist yet` }
    return {
      is: 'done',
      output: { ...(await look.databases.readBack(database, file)), ...about(name, source) },
    }
  },
  // It removes only what is under a name of this run.
  undoGuards: () => [],
  undo: async (io, { before: { file } }) => {
    // SQLite keeps a journal beside the partial dump. Remove it first: without that dump, no probe would find
    // it.
    for (const path of [...manifestFiles(file), `${file}.partial-journal`, file, `${file}.partial`])
      await io.files.removeTree(path)
  },
})

const about = (
  name: string,
  source: DumpSource | undefined,
): Pick<FallbackDump, 'dumpedFrom' | 'source'> => ({
  dumpedFrom: name,
  ...(source === undefined ? {} : { source }),
})

async function sourceOf(look: Look, database: Database, name: string): Promise<DumpSource> {
  const { instance, generation } = await look.databases.identity(database, name)
  return { instance, generation }
}
