import {
  canonical,
  defineStep,
  isExact,
  RunbookError,
  type Assertion,
  type Copy,
  type Database,
  type Dump,
  type ExclusiveView,
  type Json,
  type Look,
  type SignedManifest,
} from '../../src/index.ts'
import { olderBackups, type Again } from '../backups/lib/older-backups.ts'
import type { LiveContents } from './compare-contents.ts'
import { assertionsInWords } from './lib/assertions.ts'
import { acceptFlag, accepts, listed } from './lib/losses.ts'
import { differencesOf, type RowCounts } from './lib/newer-rows.ts'
import { isVersionTable, revisionsIn } from '../migrations/lib/revision.ts'

/** A dump, with its signed manifest where it has one. */
export type VouchedDump = Dump & { readonly manifest?: SignedManifest }

export type RestoredData = {
  readonly database: Database
  readonly copy: Copy
  readonly archive: VouchedDump
  readonly assertions: readonly Assertion[]
  /** What was live before, and the losses that were accepted; left out where nothing live is replaced. */
  readonly live?: LiveContents
  readonly acceptLoss?: string | null
  /** To name other backups where this one fails; left out where the operator did not choose it. */
  readonly again?: Again
}

/** What passed every check, when it was read. */
export type Proven = {
  readonly name: string
  readonly tables: readonly { readonly table: string; readonly rows: number }[]
  /** The alembic revision of the data; null where the application has none. */
  readonly revision: string | null
  readonly answers: readonly { readonly name: string; readonly answer: Json }[]
  /** Tables whose rows are more or fewer than the live ones, in words. Missing where nothing was compared. */
  readonly differences?: readonly string[]
  /** Which database it was compared with, and may replace. Missing where that is not known, and in older journals. */
  readonly replaces?: string
  /** Its tables then, as the port returns them. Missing likewise. */
  readonly replacesTables?: readonly string[]
}

/**
 * Checks restored data that does not go live by a swap, such as a throwaway or data that was restored in place: tables, row
 * counts, migration revision, and the configured assertions. A copy that goes live is checked by `assertCopy`.
 * @throws RunbookError `verification` where a table of the dump is missing, all are empty, rows differ from the
 * signed manifest of the dump, an assertion fails, or a table is empty that has rows live, which was neither shown
 * before nor accepted
 */
export const assertRestored = defineStep<RestoredData, Proven>({
  kind: 'databases.assert-copy',
  version: 1,
  effect: 'observe',
  describe: ({ assertions }) => {
    return `Counts the rows of every table in the copy, reads its migration revision, and checks ${assertionsInWords(assertions)}.`
  },
  run: (look, input) => orNamingOthers(look, input, () => provenCopy(look, input)),
  // For runs of earlier versions, which swapped a copy in that this step checked. What is gone goes live in no run.
  stillHolds: async (look, { input, output: was }) => {
    const { database, copy } = input
    const isThrowaway = database.engine === 'postgres' && database.via.kind === 'throwaway'
    if (isThrowaway || !(await look.databases.exists(database, copy.name))) return
    const now = await provenCopy(look, input)
    const differences = [
      ...differencesOf(was.tables, now.tables),
      ...now.answers.flatMap(({ name, answer }) => {
        const before = was.answers.find((one) => one.name === name)?.answer
        return before === undefined || canonical(before) === canonical(answer)
          ? []
          : [`"${name}" found ${JSON.stringify(answer)} instead of ${JSON.stringify(before)}`]
      }),
    ]
    if (differences.length > 0)
      throw new RunbookError(
        'verification',
        `since ${copy.name} was checked, somebody wrote to it: ${differences.slice(0, 20).join(', ')}`,
        { hint: 'find out who did; a new run restores and checks another copy' },
      )
  },
})

/** Names other backups where this one fails. */
export async function orNamingOthers<T>(
  look: Look,
  { again, archive }: RestoredData,
  check: () => Promise<T>,
): Promise<T> {
  try {
    return await check()
  } catch (thrown) {
    if (!(thrown instanceof RunbookError) || thrown.code !== 'verification' || again === undefined)
      throw thrown
    throw new RunbookError('verification', thrown.message, {
      cause: thrown.cause,
      hint: `${thrown.hint ?? 'choose another dump'}; ${await olderBackups(look, again, archive)}`,
    })
  }
}

/** What a check of restored data reads with. */
type Reader = Pick<Look, 'note'> & { readonly databases: ExclusiveView }

/** As the step `assertRestored`, for a step that judges several copies. @throws RunbookError as it does */
export async function provenCopy(
  look: Reader,
  { database, copy, archive, assertions, live, acceptLoss }: RestoredData,
): Promise<Proven> {
  const { tables } = await look.databases.fingerprint({ ...database, fingerprint: 'rows' }, copy.name)
  const counted = tables.map(({ table, rows }) => ({ table, rows }))
  requireTables(archive, counted)
  requireSameRows(archive, counted)
  requireCounted(archive, counted)
  const differences = requireRows(live, counted, acceptLoss ?? null)
  const answers = []
  for (const assertion of assertions)
    answers.push({ name: assertion.name, answer: await requireAnswer(look, database, copy.name, assertion) })
  const revision = await revisionOf(look, database, copy.name, counted)
  look.note(
    `${counted.length} tables, ${counted.reduce((sum, { rows }) => sum + rows, 0)} rows, revision ${revision ?? 'none'}${archive.manifest?.rows == null ? '' : '; as many rows in each table as the manifest of the dump says'}`,
  )
  for (const line of differences ?? []) look.note(`compared with what was live: ${line}`)
  return {
    name: copy.name,
    tables: counted,
    revision,
    answers,
    ...(differences === null ? {} : { differences }),
    ...(live?.instance == null ? {} : { replaces: live.instance }),
    ...(live?.tableIds == null ? {} : { replacesTables: live.tableIds }),
  }
}

function requireTables(archive: Dump, counted: Proven['tables']): void {
  const present = new Set(counted.map(({ table }) => table))
  const missing = archive.tables.filter((table) => !present.has(table))
  if (missing.length > 0) throw failed(`tables of the dump are missing from the copy: ${missing.join(', ')}`)
  if (counted.length > 0 && counted.every(({ rows }) => rows === 0))
    throw failed('every table of the copy is empty')
  if (counted.length === 0) throw failed('the copy has no tables')
}

/** @returns the differences in words; null where nothing is known of the live rows */
function requireRows(
  live: LiveContents | undefined,
  counted: Proven['tables'],
  acceptLoss: string | null,
): readonly string[] | null {
  const was = live?.tables ?? null
  if (was === null) return null
  const shown = (live?.fewer ?? []).flatMap(({ table, inDump }) => (inDump === 0 ? [table] : []))
  const empty = was.filter(
    (one) =>
      one.rows > 0 &&
      !shown.includes(one.table) &&
      !accepts(acceptLoss, one) &&
      counted.some(({ table, rows }) => table === one.table && rows === 0),
  )
  if (empty.length > 0)
    throw new RunbookError(
      'verification',
      `the restored copy failed verification: it has no rows of tables that have rows live: ${listed(empty)}`,
      {
        hint: `choose another dump, or accept the loss: ${acceptFlag(acceptLoss, empty)}`,
      },
    )
  const estimated = new Set(was.flatMap(({ table, estimated: about }) => (about ? [table] : [])))
  const exact = (counts: RowCounts): RowCounts => counts.filter(({ table }) => !estimated.has(table))
  return [
    ...differencesOf(exact(was), exact(counted)),
    ...was.flatMap(({ table, rows }) =>
      estimated.has(table)
        ? [`${table} ${counted.find((one) => one.table === table)?.rows ?? 0} rows instead of about ${rows}`]
        : [],
    ),
  ]
}

/** Tables that the manifest does not name may be there: a restore in place keeps newer ones. */
function requireSameRows({ manifest }: VouchedDump, counted: Proven['tables']): void {
  const rows = manifest?.rows ?? null
  if (rows === null) return
  const named = new Set(rows.map(({ table }) => table))
  const differences = differencesOf(
    rows,
    counted.filter(({ table }) => named.has(table)),
  )
  if (differences.length > 0)
    throw failed(`its rows differ from the manifest of the dump: ${differences.slice(0, 20).join(', ')}`)
}

/** SQL has no table of contents: its rows were counted while it was read, and each must have arrived. */
function requireCounted(archive: VouchedDump, counted: Proven['tables']): void {
  if (isExact(archive)) return
  const rows = archive.contents?.rows ?? []
  const named = new Set(rows.map(({ table }) => table))
  const differences = differencesOf(
    rows,
    counted.filter(({ table }) => named.has(table)),
  )
  if (differences.length > 0)
    throw failed(`its rows differ from those in the dump: ${differences.slice(0, 20).join(', ')}`)
}

/** @throws RunbookError `verification` where a copy does not meet an assertion */
export async function requireAnswer(
  look: Pick<Reader, 'databases'>,
  database: Database,
  copy: string,
  assertion: Assertion,
): Promise<Json> {
  const answer = await answerTo(look, database, copy, assertion)
  if (!meets(answer, assertion.expect)) {
    throw failed(
      `assertion "${assertion.name}" failed: expected ${expectation(assertion.expect)}, found ${JSON.stringify(answer)}`,
    )
  }
  return answer
}

/** First column of the first row; null where there is no row. */
export async function answerTo(
  look: Pick<Reader, 'databases'>,
  database: Database,
  name: string,
  { sql }: Assertion,
): Promise<Json> {
  const [row] = await look.databases.query(database, name, sql)
  return row === undefined ? null : (Object.values(row)[0] ?? null)
}

/**
 * Whether an answer meets the configured expectation. Numbers that arrive as text (bigint, numeric) count as
 * numbers.
 */
export function meets(answer: Json, expect: Assertion['expect']): boolean {
  if ('atLeast' in expect)
    return answer !== null && typeof answer !== 'boolean' && answer !== '' && Number(answer) >= expect.atLeast
  const accepted: readonly Json[] = 'oneOf' in expect ? expect.oneOf : [expect.equals]
  return accepted.some(
    (one) =>
      canonical(one) === canonical(answer) ||
      (typeof one === 'number' && typeof answer === 'string' && answer !== '' && Number(answer) === one),
  )
}

function expectation(expect: Assertion['expect']): string {
  if ('atLeast' in expect) return `at least ${expect.atLeast}`
  return 'oneOf' in expect ? `one of ${JSON.stringify(expect.oneOf)}` : JSON.stringify(expect.equals)
}

/** Of several tables of alembic, each with its name. */
async function revisionOf(
  look: Pick<Reader, 'databases'>,
  database: Database,
  copy: string,
  counted: Proven['tables'],
): Promise<string | null> {
  const tables = counted.map(({ table }) => table).filter(isVersionTable)
  const levels = await Promise.all(
    tables.map(async (table) => ({
      table,
      revision: (await revisionsIn(look, database, copy, table)).join(', '),
    })),
  )
  if (levels.length === 0) return null
  return levels.length === 1
    ? (levels[0]?.revision ?? null)
    : levels.map(({ table, revision }) => `${table}: ${revision}`).join('; ')
}

const failed = (why: string): RunbookError =>
  new RunbookError('verification', `the restored copy failed verification: ${why}`, {
    hint: 'the live database was not touched; choose another dump',
  })
