import {
  defineStep,
  isPending,
  mustBeHere,
  openingOf,
  RunbookError,
  say,
  whenTaken,
  type BackupPlace,
  type DumpHeader,
  type Opening,
  type Preview,
  type Verified,
} from '../../src/index.ts'
import { choose } from './lib/choose-backup.ts'
import { freshness } from './lib/freshness.ts'
import { mustBeOf, voucher, type OwnSource } from './lib/source.ts'

type Input = {
  /** The database that the dump must come from. */
  readonly engine: DumpHeader['engine']
  readonly name: string
  readonly from: BackupPlace
  /** The dump to take; null takes the newest. */
  readonly file: string | null
}

/**
 * A dump that matches its checksum, with what its header says. Whether it can be restored is not yet known.
 */
export type ChosenDump = Verified &
  Pick<DumpHeader, 'major' | 'database'> & {
    /** How its file is opened. Missing in older journals. */
    readonly opening?: Opening
  }

/**
 * Chooses a dump, compares it with its checksum, and reads the server version and the database name from its
 * header. Needs no server.
 * @throws RunbookError `verification` for a dump of another database
 */
export const chooseDump = defineStep<Input, ChosenDump>({
  kind: 'backups.choose-dump',
  version: 1,
  effect: 'observe',
  describe: ({ file, from }) => {
    const what = file === null ? 'the newest dump' : say`${file}`
    const place = isPending(from) ? '' : ` in ${from.directory}`
    const read = 'reads the server version and the database name from its header'
    return `Compares ${what}${place} with its signed manifest or checksum, and ${read}.`
  },
  preflight: async (look, input) => {
    if (!isPending(input.from)) mustBeHere(input.from)
    return freshness(look, { ...input, takenBefore: null }, async () => ownOf(input.engine))
  },
  run: async (look, { engine, name, from, file }) => {
    mustBeHere(from)
    const verified = await look.backups.verify(from, await choose(look, from, { file, takenBefore: null }))
    await mustBeOf(from, verified, verified, async () => ownOf(engine))
    const { major, database } = await look.databases.header({ engine }, verified.file, {
      ...openingOf(from),
      of: name,
    })
    const theirs = database ?? verified.manifest?.source.name ?? name
    if (theirs !== name) {
      throw new RunbookError(
        'verification',
        `${verified.file} is a dump of the database ${theirs}, not of ${name}`,
        { hint: 'choose a dump of the right database with --dump' },
      )
    }
    look.note(
      `${verified.name}: ${verified.bytes} bytes, sha256 ${verified.sha256}, ${engine} ${major}, ${whenTaken(verified)}; vouched for by ${voucher(verified)}${madeFrom(verified)}`,
    )
    return { ...verified, major, database, opening: { ...openingOf(from), of: name } }
  },
})

/** Nobody here knows the live system, so it is said of which one a signed dump is. */
const madeFrom = ({ manifest }: Verified): string =>
  manifest === undefined
    ? ''
    : say`, made from ${manifest.source.name} of ${manifest.source.host ?? manifest.source.system}`

/** The server that is restored to is a throwaway, so a backup of any server of the right engine counts. */
const ownOf = (engine: Preview<Input>['engine']): OwnSource => ({
  kind: isPending(engine) ? 'postgres' : engine,
  system: null,
})
