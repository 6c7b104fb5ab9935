import { defineStep, isPending, RunbookError, say, type BackupPlace, type Database, type DumpHeader, type Verified } from '../../src/index.ts'
import { choose } from './choose.ts'
import { freshness } from './freshness.ts'

type Input = {
  /** Whose dump it must be. The server itself is not asked. */
  readonly database: Database
  readonly from: BackupPlace
  /** The dump to take; null takes the newest. */
  readonly file: string | null
}

/** A dump that fits its checksum, with what its first bytes say. Nobody has looked whether the rest can be restored. */
export type ChosenDump = Verified & Pick<DumpHeader, 'major' | 'database'>

/** Chooses a dump, compares it with its checksum, and reads from its start which server it is of. No server is needed for that. */
export const chooseDump = defineStep<Input, ChosenDump>({
  kind: 'backups.choose-dump',
  version: 1,
  effect: 'observe',
  describe: ({ file, from }) => {
    const what = file === null ? 'the newest dump' : say`${file}`
    return `Compares ${what}${isPending(from) ? '' : ` in ${from.directory}`} with its checksum, and reads from its start which server it is of.`
  },
  preflight: (look, input) => freshness(look, { ...input, takenBefore: null }),
  run: async (look, { database, from, file }) => {
    const verified = await look.backups.verify(from, await choose(look, from, { file, takenBefore: null }))
    const { major, database: name } = await look.databases.header(database, verified.file)
    if (name !== null && name !== database.name) {
      throw new RunbookError('verification', `${verified.file} is a dump of the database ${name}, not of ${database.name}`, { hint: 'choose a dump of the right database with --dump' })
    }
    look.note(`${verified.name}: ${verified.bytes} bytes, sha256 ${verified.sha256}, of ${database.engine} ${major}, taken ${verified.takenAt}`)
    return { ...verified, major, database: name }
  },
})
