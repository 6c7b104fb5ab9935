import { defineStep, isPending, RunbookError, say, type Finding, type Json, type Look } from '../../src/index.ts'
import type { ChosenDump } from '../backups/choose-dump.ts'
import type { ThrowawayServer } from '../containers/throwaway-postgres.ts'
import type { Proven } from '../databases/assert-copy.ts'
import type { MadeRoles } from '../databases/create-roles.ts'
import { folderOf } from '../files/path.ts'
import { hasRecord, placeIn, withRecord } from './tested-restore.ts'

/** Each part is null where the run did not get that far. */
type Input = {
  /** Null: `latest-tested-restore.md` beside the evidence. */
  readonly record: string | null
  readonly dump: ChosenDump | null
  readonly throwaway: ThrowawayServer | null
  readonly roles: MadeRoles | null
  readonly proven: Proven | null
}

type Before = { readonly file: string; readonly at: string }
type Output = { readonly file: string; readonly recorded: boolean }

/** Replaces the block "Latest tested restore" of a Markdown file, where the test passed. A failed one leaves the proof of the one before. */
export const recordRestoreTest = defineStep<Input, Output, Before>({
  kind: 'records.record-restore-test',
  version: 1,
  effect: 'change',
  irreversible: 'a record of what happened stays',
  describe: ({ record }) => say`Tells of a test that passed in the block "Latest tested restore" of ${record === null ? 'latest-tested-restore.md beside the evidence' : record}.`,
  preflight: (look, { record }) => (isPending(record) || record === null ? Promise.resolve([]) : findings(look, record)),
  survey: async (look, { record }) => ({ file: record ?? `${folderOf(look.run.evidence)}/latest-tested-restore.md`, at: look.clock.now().toISOString() }),
  predict: ({ before }) => ({ output: before === undefined ? null : { file: before.file }, changes: before === undefined ? [] : [`the block "Latest tested restore" in ${before.file}`] }),
  run: async (io, { input, before: { file, at } }) => {
    const list = listOf(io, input, at)
    if (list === null) return { file, recorded: false }
    if (input.throwaway !== null && (await io.containers.state(input.throwaway.container)) !== null) {
      throw new RunbookError('failed', `the throwaway server ${input.throwaway.container} is still there`, { hint: `docker rm --force --volumes ${input.throwaway.container}` })
    }
    const text = await textOf(io, file)
    if (text === null) await io.files.makeFolder(folderOf(file))
    if (placeIn(text ?? '') === null) throw new RunbookError('failed', twice(file), { hint: oneOnly })
    await io.files.write(file, Buffer.from(withRecord(text ?? '', list), 'latin1'))
    return { file, recorded: true }
  },
  probe: async (look, { input, before: { file, at } }) => {
    const list = listOf(look, input, at)
    if (list === null) return { is: 'done', output: { file, recorded: false } }
    const text = await textOf(look, file)
    return text !== null && hasRecord(text, list) ? { is: 'done', output: { file, recorded: true } } : { is: 'absent' }
  },
})

async function findings(look: Look, record: string): Promise<readonly Finding[]> {
  const refused = (problem: string, hint: string): readonly Finding[] => [{ level: 'refuse', about: record, problem, hint }]
  const facts = await look.files.stat(record)
  if (facts?.kind !== 'file') return refused(`${record} is ${facts === null ? 'not there' : `a ${facts.kind}, not a file`}`, 'set restoreTest.record in runbook.config.ts to a Markdown file')
  return placeIn((await textOf(look, record)) ?? '') === null ? refused(twice(record), oneOnly) : []
}

const twice = (file: string): string => `${file} has the block "Latest tested restore" more than once`
const oneOnly = 'leave one of them, the others being history'

/** Null where there is nothing to tell of. As bytes: see tested-restore.ts. */
function listOf({ run }: Pick<Look, 'run'>, { dump, throwaway, roles, proven }: Input, at: string): readonly string[] | null {
  if (run.standing.outcome !== 'succeeded' || dump === null || throwaway === null || roles === null || proven === null) return null
  const rows = proven.tables.reduce((sum, table) => sum + table.rows, 0)
  const steps = [
    `throwaway ${code(throwaway.image)} (PostgreSQL ${throwaway.version}) without network, so on no port`,
    roles.roles.length === 0 ? 'no role was missing' : `created ${roles.roles.length === 1 ? 'role' : 'roles'} ${roles.roles.map(code).join(', ')}`,
    `${code('pg_restore --single-transaction --exit-on-error')} into an empty database`,
    `counted ${rows} rows in ${proven.tables.length} tables`,
    ...(proven.revision === null ? [] : [`alembic revision ${code(proven.revision)}`]),
    ...proven.answers.map(({ name, answer }) => `"${plain(name)}" returned ${code(shown(answer))}`),
    'dropped the container',
  ]
  const list = [`Date: ${at.slice(0, 10)}`, `Dump: ${code(dump.name)}`, `Steps: ${steps.join(', ')}.`, `Result: pass (run ${run.id}, by ${plain(run.by)})`]
  return list.map((line) => Buffer.from(line).toString('latin1'))
}

const shown = (answer: Json): string => (typeof answer === 'string' ? answer : JSON.stringify(answer))
const plain = (text: string): string => text.replace(/\p{Cc}/gu, ' ')
const code = (text: string): string => `\`${plain(text).replaceAll('`', "'")}\``

async function textOf(look: Pick<Look, 'files'>, file: string): Promise<string | null> {
  if ((await look.files.stat(file)) === null) return null
  return Buffer.from(await look.files.read(file, 16 * 1024 * 1024)).toString('latin1')
}
