import {
  defineStep,
  failureOf,
  isPending,
  expectedOf,
  isRemote,
  listBackups,
  openingOf,
  placeName,
  RunbookError,
  say,
  whenTaken,
  type Backup,
  type BackupPlace,
  type DumpHeader,
  type Finding,
  type Look,
  type Preview,
  type StoredBackup,
  type RestoreTest,
} from '../../src/index.ts'
import { mustBeOf } from '../backups/lib/source.ts'

type Input = {
  readonly engine: DumpHeader['engine']
  readonly name: string
  readonly from: BackupPlace
  /** Where the newest one is on this machine, if they are kept elsewhere: the version of all follows from it. */
  readonly newest?: string | null
  /** How a dump is tested; null where nothing has to be started for it. */
  readonly by: RestoreTest | null
  /** Whether a SQLite backup that is no database file can be unpacked for its test. */
  readonly unpacks?: boolean
  /** At most so many of the newest ones are considered. */
  readonly most: number
}

/** A backup that may be tested. One that is kept elsewhere is read, and its version known, once it was downloaded. */
export type Candidate = (Backup | StoredBackup) & { readonly major: number }

export type Candidates = {
  /** Newest first. */
  readonly backups: readonly Candidate[]
  /** Server version that all of them need. */
  readonly major: number
  /** The newest one; names the version in messages. */
  readonly newest: Candidate
  /** Backups that are not considered, with the reason. */
  readonly left: readonly { readonly file: string; readonly why: string }[]
}

/**
 * Lists the backups that a search may test: with the manifest or checksum that they need, of the right database, and
 * of the server version of the newest one. Reads only their headers.
 * @throws RunbookError `preflight` where none is left
 */
export const listCandidates = defineStep<Input, Candidates>({
  kind: 'bisection.list-candidates',
  version: 1,
  effect: 'observe',
  describe: ({ from }) =>
    isPending(from)
      ? 'Lists the backups that can be tested.'
      : say`Lists the backups in ${placeName(from)} that can be tested, newest first.`,
  preflight: async (look, input) => {
    if (Object.values(input).some(isPending) || isRemote((input as Input).from)) return withoutServer(input)
    await candidatesOf(look, input as Input)
    return withoutServer(input)
  },
  run: async (look, input) => {
    const candidates = await candidatesOf(look, input)
    const { backups, left } = candidates
    look.note(
      backups.length === 1
        ? `1 backup can be tested, ${whenTaken(candidates.newest)}`
        : `${backups.length} backups can be tested, the oldest ${whenTaken(backups.at(-1) as Backup)}, the newest ${whenTaken(candidates.newest)}`,
    )
    for (const { file, why } of left) look.note(`not considered: ${file}: ${why}`)
    return candidates
  },
})

const withoutServer = ({ by, engine }: Preview<Input>): readonly Finding[] =>
  by === null && engine === 'postgres'
    ? [
        {
          level: 'refuse',
          about: 'restoreTest',
          problem: 'restoreTest is not configured',
          hint: 'see `runbook help config restoreTest`',
        },
      ]
    : []

async function candidatesOf(
  look: Look,
  { engine, name, from, unpacks = false, most }: Input,
): Promise<Candidates> {
  const backups: Candidate[] = []
  const left: { file: string; why: string }[] = []
  const all = await listBackups(look, from)
  for (const backup of all) {
    if (backups.length === most) {
      left.push({ file: backup.file, why: `only the newest ${most} are considered` })
      continue
    }
    try {
      await mustBeOf(from, backup, await expectedOf(look, from, backup), async () => ({
        kind: engine,
        system: null,
      }))
      if (isRemote(from) && backups[0] !== undefined) {
        backups.push({ ...backup, major: backups[0].major })
        continue
      }
      const {
        major,
        database,
        format,
        wrapped = [],
      } = await look.databases.header({ engine }, backup.file, {
        ...openingOf(from),
        of: name,
      })
      const needed = backups[0]?.major ?? major
      if (database !== null && database !== name)
        left.push({ file: backup.file, why: `it is a dump of the database ${database}` })
      else if (engine === 'sqlite' && !unpacks && (wrapped.length > 0 || format === 'plain'))
        left.push({
          file: backup.file,
          why: `it is ${format === 'plain' ? 'SQL' : `wrapped (${wrapped.join(', ')})`}, and without \`staging\` in runbook.config.ts SQLite backups are tested as they are`,
        })
      else if (major !== needed)
        left.push({ file: backup.file, why: `it needs version ${major}, and the newest one ${needed}` })
      else backups.push({ ...backup, major })
    } catch (thrown) {
      look.signal.throwIfAborted()
      if (!(thrown instanceof RunbookError)) throw thrown
      left.push({ file: backup.file, why: failureOf(thrown).message })
    }
  }
  const [newest] = backups
  if (newest === undefined)
    throw new RunbookError('preflight', `none of ${all.length} backups in ${placeName(from)} can be tested`, {
      hint:
        left[0] === undefined
          ? 'check that backups arrive there'
          : `for example ${left[0].file}: ${left[0].why}; see all of them: runbook backups`,
    })
  return { backups, major: newest.major, newest, left }
}
