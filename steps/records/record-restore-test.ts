import {
  defineStep,
  isPending,
  RunbookError,
  say,
  type Dump,
  type Finding,
  type Json,
  type Look,
} from '../../src/index.ts'
import type { ChosenDump } from '../backups/choose-dump.ts'
import type { DroppedServer } from '../containers/throwaway-postgres.ts'
import type { Proven } from '../databases/assert-restored.ts'
import type { MadeRoles } from '../databases/create-roles.ts'
import { folderOf } from '../files/lib/path.ts'
import { hasRecord, findBlock, withRecord } from './lib/tested-restore.ts'

type Input = {
  /** Null: `latest-tested-restore.md` beside the evidence. */
  readonly record: string | null
  readonly dump: ChosenDump
  /** Where it was tested. The record says that the server was dropped, so the drop comes first. */
  readonly dropped: DroppedServer
  readonly roles: MadeRoles
  readonly proven: Proven
  readonly format: Dump['format']
}

type Before = {
  readonly file: string
  readonly at: string
  /** Missing where the file exists. */
  readonly created?: true
}
type Output = { readonly file: string }

/**
 * Replaces the block "Latest tested restore" of a Markdown file, once the test has passed. A missing file is
 * created.
 * A failed test appears only in the log, and the last proof stays.
 */
export const recordRestoreTest = defineStep<Input, Output, Before>({
  kind: 'records.record-restore-test',
  leaves: [],
  version: 1,
  effect: 'change',
  alsoChanges: ({ record }) => (isPending(record) ? null : [record ?? 'latest-tested-restore.md']),
  irreversible: 'a record of what happened stays',
  describe: ({ record }) =>
    say`Records the test in the block "Latest tested restore" of ${record === null ? 'latest-tested-restore.md beside the evidence' : record}.`,
  preflight: (look, { record }) =>
    isPending(record) || record === null ? Promise.resolve([]) : findings(look, record),
  survey: async (look, { record }) => {
    const file = record ?? `${folderOf(look.run.evidence)}/latest-tested-restore.md`
    const at = look.clock.now().toISOString()
    return (await look.files.stat(file)) === null ? { file, at, created: true } : { file, at }
  },
  predict: ({ before }) => ({
    output: before === undefined ? null : { file: before.file },
    changes:
      before === undefined
        ? []
        : [
            before.created === true
              ? `${before.file} is created, with the block "Latest tested restore"`
              : `the block "Latest tested restore" in ${before.file} is replaced`,
          ],
  }),
  run: async (io, { input, before: { file, at } }) => {
    const text = await textOf(io, file)
    if (text === null) await io.files.makeFolder(folderOf(file))
    if (findBlock(text ?? '') === null)
      throw new RunbookError('failed', duplicateBlock(file), { hint: duplicateHint })
    await io.files.write(file, Buffer.from(withRecord(text ?? '', listOf(io, input, at)), 'latin1'))
    return { file }
  },
  probe: async (look, { input, before: { file, at } }) => {
    const text = await textOf(look, file)
    return text !== null && hasRecord(text, listOf(look, input, at))
      ? { is: 'done', output: { file } }
      : { is: 'absent' }
  },
})

async function findings(look: Look, record: string): Promise<readonly Finding[]> {
  const refused = (problem: string, hint: string): readonly Finding[] => [
    { level: 'refuse', about: record, problem, hint },
  ]
  const { path, facts } = await nearest(look, record)
  if (facts.kind !== (path === record ? 'file' : 'directory'))
    return refused(
      `${path} is a ${facts.kind}, not a ${path === record ? 'file' : 'folder'}`,
      'set restoreTest.record in runbook.config.ts to a Markdown file',
    )
  return findBlock((await textOf(look, record)) ?? '') === null
    ? refused(duplicateBlock(record), duplicateHint)
    : []
}

/** The file, or else the nearest folder above it, in which it is created. */
async function nearest(
  look: Look,
  file: string,
): Promise<{
  readonly path: string
  readonly facts: NonNullable<Awaited<ReturnType<typeof look.files.stat>>>
}> {
  for (let path = file; ; path = folderOf(path)) {
    const facts = await look.files.stat(path)
    if (facts !== null) return { path, facts }
    if (path === folderOf(path)) throw new RunbookError('preflight', `cannot read ${path}`)
  }
}

const duplicateBlock = (file: string): string =>
  `${file} has the block "Latest tested restore" more than once`
const duplicateHint = 'keep one block, and rename the headings of the others'

/** Bytes as latin1: see tested-restore.ts. */
function listOf(
  { run }: Pick<Look, 'run'>,
  { dump, dropped, roles, proven, format }: Input,
  at: string,
): readonly string[] {
  const rows = proven.tables.reduce((sum, table) => sum + table.rows, 0)
  const steps = [
    `throwaway ${code(dropped.image)} (PostgreSQL ${dropped.version}) without network, so on no port`,
    roles.roles.length === 0
      ? 'no role was missing'
      : `created ${roles.roles.length === 1 ? 'role' : 'roles'} ${roles.roles.map(code).join(', ')}`,
    `${isSql(format) ? `${code('psql --set=ON_ERROR_STOP=1')} in one transaction` : code('pg_restore --single-transaction --exit-on-error')} into an empty database`,
    `counted ${rows} rows in ${proven.tables.length} tables`,
    ...(proven.revision === null ? [] : [`alembic revision ${code(proven.revision)}`]),
    ...proven.answers.map(({ name, answer }) => `"${plain(name)}" returned ${code(shown(answer))}`),
    'dropped the container',
  ]
  const list = [
    `Date: ${at.slice(0, 10)}`,
    `Dump: ${code(dump.name)}`,
    `Steps: ${steps.join(', ')}.`,
    `Result: pass (run ${run.id}, by ${plain(run.by)})`,
  ]
  return list.map((line) => Buffer.from(line).toString('latin1'))
}

const isSql = (format: Dump['format']): boolean => format === 'plain' || format === 'cluster'
const shown = (answer: Json): string => (typeof answer === 'string' ? answer : JSON.stringify(answer))
const plain = (text: string): string => text.replace(/\p{Cc}/gu, ' ')
const code = (text: string): string => `\`${plain(text).replaceAll('`', "'")}\``

async function textOf(look: Pick<Look, 'files'>, file: string): Promise<string | null> {
  if ((await look.files.stat(file)) === null) return null
  return Buffer.from(await look.files.read(file, 16 * 1024 * 1024)).toString('latin1')
}
