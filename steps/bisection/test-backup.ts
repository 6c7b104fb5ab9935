import {
  cacheOf,
  defineStep,
  failureOf,
  isExact,
  isPending,
  isRemote,
  openingOf,
  RunbookError,
  whenTaken,
  type Assertion,
  type BackupPlace,
  type Database,
  type Dump,
  type Io,
  type Output,
  type RestoreTest,
  type Script,
  type StoredBackup,
  type Verified,
} from '../../src/index.ts'
import { fetched, releaseAll } from '../backups/fetch-backup.ts'
import type { ThrowawayServer } from '../containers/throwaway-postgres.ts'
import { provenCopy, requireAnswer, type VouchedDump } from '../databases/assert-restored.ts'
import { makeRoles } from '../databases/create-roles.ts'
import { assertionsInWords } from '../databases/lib/assertions.ts'
import { fileOf } from '../databases/examine-backup.ts'
import type { Staging } from '../files/staging.ts'
import { requireRoom } from '../databases/restore-into-throwaway.ts'
import { nextToTest, verdictOn, type Verdict } from './lib/bisection.ts'
import type { Candidate, Candidates } from './list-candidates.ts'

type Input = {
  readonly name: string
  readonly from: BackupPlace
  readonly assertions: readonly Assertion[]
  readonly candidates: Candidates
  /** Where a dump of Postgres is restored; null for SQLite, whose backups are read where they are. */
  readonly server: { readonly throwaway: ThrowawayServer; readonly by: RestoreTest } | null
  /** Where SQLite backups that are no database files are unpacked; without it, there are none among the candidates. */
  readonly staging?: Staging
  /** What the rounds before found. */
  readonly earlier: readonly Round[]
}

/** One backup, and what its test showed. */
export type Test = {
  /** Position in the list of candidates. */
  readonly index: number
  readonly backup: { readonly file: string; readonly bytes: number; readonly sha256: string | null }
  readonly verdict: Verdict
  /** Names of the assertions that it fails; `contents` for tables and rows that are not as its manifest says. */
  readonly fails: readonly string[]
  /** Null if it is good. */
  readonly why: string | null
}

/** At most one restore, after any number of backups that turned out to be damaged before it. Empty if all is known. */
export type Round = { readonly tests: readonly Test[] }

/**
 * Chooses the next backup of a search by bisection, restores it into a throwaway server, and asserts on the data. A
 * backup that fails an assertion is an answer, not a failure; one that is damaged is passed over.
 * @throws RunbookError `failed` where the server lacks room or an extension, or no longer answers: that says nothing
 * about the backup
 */
export const testBackup = defineStep<Input, Round>({
  kind: 'bisection.test-backup',
  version: 1,
  effect: 'exercise',
  timeoutSeconds: 6 * 3600,
  describe: ({ server, assertions }) => {
    const where =
      isPending(server) || server !== null
        ? 'Restores the next backup into the throwaway server'
        : 'Reads the next backup'
    return `${where}, and checks ${assertionsInWords(assertions)}; does nothing once the newest good one is known.`
  },
  predict: ({ input: { candidates, earlier } }) => ({
    output: null,
    ...(isPending(candidates) || isPending(earlier) || earlier.length > 0
      ? {}
      : { bytes: candidates.newest.bytes }),
  }),
  run: async (io, input) => {
    const { candidates, earlier } = input
    const tests: Test[] = []
    for (;;) {
      const before = [...earlier.flatMap((round) => round.tests), ...tests]
      const known = new Map(before.map(({ index, verdict }) => [index, verdict]))
      const index = nextToTest(candidates.backups.length, known)
      const candidate = index === null ? undefined : candidates.backups[index]
      if (index === null || candidate === undefined) {
        // Only the first of the rounds that are left says so.
        if (tests.length === 0 && earlier.at(-1)?.tests.length !== 0) io.note('nothing is left to test')
        return { tests }
      }
      const { restored, ...test } = await tested(io, input, candidate, newestFails(before))
      tests.push({ index, ...test })
      io.note(
        `${candidate.name}, ${whenTaken(candidate)}: ${test.verdict}${test.why === null ? '' : `: ${test.why}`}`,
      )
      if (restored) return { tests }
    }
  },
})

/** What the newest backup that could be tested fails; it is tested first. */
const newestFails = (tests: readonly Test[]): readonly string[] | null =>
  tests.find(({ verdict }) => verdict !== 'unusable')?.fails ?? null

type Tested = Omit<Test, 'index'> & { readonly restored: boolean }

async function tested(
  io: Io,
  input: Input,
  candidate: Candidate,
  damage: readonly string[] | null,
): Promise<Tested> {
  const { file, bytes } = candidate
  const { from } = input
  // One download at a time is in use, so that the cache keeps its limit.
  const place = isRemote(from) ? cacheOf(from) : from
  const unusable = (thrown: unknown, sha256: string | null, restored: boolean): Tested => ({
    backup: { file, bytes, sha256 },
    verdict: 'unusable',
    fails: [],
    why: failureOf(thrown).message,
    restored,
  })
  let verified: Verified
  let dump: Dump
  let database: Database = input.server?.throwaway.database ?? fileOf(file, input.name)
  try {
    if (isRemote(from)) {
      await releaseAll(io, place)
      await fetched(io, from, candidate as StoredBackup)
    }
    verified = await io.backups.verify(place, candidate)
    dump = await io.databases.inspect(database, file, { ...openingOf(from), of: input.name })
    requireSame(input, candidate, dump)
  } catch (thrown) {
    if (!isAbout(io, thrown)) throw thrown
    return unusable(thrown, null, false)
  }
  const { sha256, manifest } = verified
  const unpacked =
    input.server === null && input.staging !== undefined && (dump.wrapped !== undefined || !isExact(dump))
  // A copy is beside the database that it is a copy of, which there is none of here.
  if (unpacked) database = fileOf(`${input.staging?.folder ?? ''}/live`, input.name)
  const isCopy = input.server !== null || unpacked
  const copy = isCopy ? 'tested' : database.name
  try {
    const failure =
      input.server !== null
        ? await restore(io, input.server, dump, copy)
        : unpacked
          ? await unpack(io, database, dump, copy)
          : null
    if (failure !== null) return unusable(failure, sha256, true)
    const archive = { ...dump, ...(manifest === undefined ? {} : { manifest }) }
    const failures = await failuresOf(io, { database, copy, archive, assertions: input.assertions })
    const fails = failures.map(({ name }) => name)
    return {
      backup: { file, bytes, sha256 },
      verdict: verdictOn(fails, damage),
      fails,
      why: failures.length === 0 ? null : failures.map(({ why }) => why).join('; '),
      restored: true,
    }
  } finally {
    if (isCopy && !io.signal.aborted) await io.databases.drop(database, copy)
  }
}

/** What the list knows of a backup in a folder, and of one that is kept elsewhere only once it is here. */
function requireSame({ name }: Input, { file, major }: Candidate, dump: Dump): void {
  const why =
    dump.database !== null && dump.database !== name
      ? `it is a dump of the database ${dump.database}`
      : dump.major !== major
        ? `it needs version ${dump.major}, and the newest one ${major}`
        : null
  if (why !== null)
    throw new RunbookError('verification', `${file} cannot be tested: ${why}`, {
      hint: 'restore-test tests it alone, in a server of its own version',
    })
}

/** Every check that a copy fails, not only the first one: the damage is recognised by which they are. */
async function failuresOf(
  io: Io,
  of: {
    readonly database: Database
    readonly copy: string
    readonly archive: VouchedDump
    readonly assertions: readonly Assertion[]
  },
): Promise<readonly { readonly name: string; readonly why: string }[]> {
  const { database, copy, archive, assertions } = of
  const failures: { name: string; why: string }[] = []
  const check = async (name: string, work: () => Promise<unknown>): Promise<void> => {
    try {
      await work()
    } catch (thrown) {
      if (!isAbout(io, thrown)) throw thrown
      failures.push({ name, why: failureOf(thrown).message })
    }
  }
  await check('contents', () =>
    provenCopy(io, { database, copy: { name: copy, bytes: 0 }, archive, assertions: [] }),
  )
  for (const assertion of assertions)
    await check(`assertion ${assertion.name}`, () => requireAnswer(io, database, copy, assertion))
  return failures
}

/** Whether a failure says something about the backup, and not about the server or the program. */
function isAbout({ signal }: Pick<Io, 'signal'>, thrown: unknown): boolean {
  signal.throwIfAborted()
  return thrown instanceof RunbookError && thrown.code === 'verification'
}

/** @returns why the backup cannot be unpacked; null if it can. @throws where the disk is the reason */
async function unpack(io: Io, database: Database, dump: Dump, copy: string): Promise<unknown> {
  try {
    await io.databases.restoreBeside(database, dump, copy)
    return null
  } catch (thrown) {
    if (!isAbout(io, thrown)) throw thrown
    return thrown
  }
}

/** @returns why the dump does not restore; null if it does. @throws where the server is the reason */
async function restore(
  io: Io,
  { throwaway, by }: NonNullable<Input['server']>,
  dump: Dump,
  copy: string,
): Promise<unknown> {
  const { database } = throwaway
  await requireRoom(io, database, by, dump)
  await makeRoles(io, throwaway, dump)
  try {
    await io.databases.restoreBeside(database, dump, copy)
    return null
  } catch (thrown) {
    io.signal.throwIfAborted()
    await io.databases.identity(database)
    await requireRoom(io, database, by, dump)
    return thrown
  }
}

type AddStep = Script<unknown, never>['step']

/** Rounds for as many backups as a year has working days: the newest one, and then halves. */
const rounds = 9

/** How many backups so many rounds can search. */
export const most = 1 + 2 ** (rounds - 1)

/** Adds the steps that test backups: each chooses the next one by what the steps before it found. */
export function testRounds(
  step: AddStep,
  search: Omit<Parameters<typeof testBackup>[0], 'earlier'>,
): readonly Output<Round>[] {
  const tested: Output<Round>[] = []
  for (let round = 1; round <= rounds; round += 1)
    tested.push(
      step(
        `Test a backup, round ${round} of ${rounds} at most`,
        testBackup({ ...search, earlier: [...tested] }),
        { id: `test-round-${round}` },
      ),
    )
  return tested
}
