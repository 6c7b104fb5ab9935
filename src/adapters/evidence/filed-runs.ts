import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { RunbookError } from '../../kernel/errors.ts'
import type { RunSummary } from '../../run/journal/journal.ts'
import type { RunRecord } from '../../run/record/record.ts'
import { shellWord } from '../../kernel/shell-quote.ts'
import { reason, systemCode } from './errors.ts'
import { readEvidence } from './read.ts'
import type { Defect } from './verify/defects.ts'

/** The evidence of one run. `record` is null where run.json is missing or unreadable. */
export type FiledRun = {
  readonly folder: string
  readonly record: RunRecord | null
  /** Why it does not verify; empty where it does. */
  readonly defects: readonly string[]
  /** What the journal of this machine knows of a run without a record; null where it does not know the run. */
  readonly known?: RunSummary | null
}

export async function verifiedRun(
  folder: string,
  verify: (folder: string) => Promise<readonly Defect[]>,
): Promise<FiledRun> {
  const record = await readEvidence(folder).then(
    ({ record }) => record,
    () => null,
  )
  const defects = (await verify(folder)).map(({ reason, file }) =>
    file === '' ? reason : `${reason} (${file})`,
  )
  return { folder, record, defects }
}

/**
 * Valid evidence in the wrong folder must not count as another run.
 * @param story that it must belong to; null: any
 */
export function misfiled(
  story: string | null,
  record: RunRecord | null,
  before: readonly FiledRun[],
): readonly string[] {
  if (record === null) return []
  return [
    ...(story === null || record.story === story ? [] : ['belongs to another story']),
    ...(before.some((one) => one.record?.run === record.run) ? ['the same run occurs twice'] : []),
  ]
}

/** Of folders of runs; others belong to people. */
export const beginsWithDate = (name: string): boolean => /^\d{4}-\d\d-\d\d-/.test(name)

/**
 * The evidence folders of all stories, sorted by name.
 * @throws RunbookError `usage` where there are none
 */
export async function evidenceFolders(artifacts: string): Promise<readonly string[]> {
  const found: string[] = []
  for (const story of await foldersIn(artifacts))
    for (const run of await foldersIn(join(artifacts, story)))
      if (beginsWithDate(run)) found.push(join(artifacts, story, run))
  if (found.length === 0)
    throw new RunbookError('usage', `no evidence of runs in ${artifacts}`, {
      hint: 'check `artifacts` in the configuration; each run leaves its evidence there',
    })
  return found.sort()
}

/** When the run of a folder began, by the name of the folder; null where it does not say. */
export function begunAt(folder: string): string | null {
  const parts = /-(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-[a-z0-9]+(?:-dry-run)?$/.exec(basename(folder))
  if (parts === null) return null
  const [, year, month, day, hour, minute, second] = parts
  return `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((thrown: unknown) => {
    if (systemCode(thrown) === 'ENOENT') return []
    throw new RunbookError('usage', `cannot read the evidence in ${folder}: ${reason(thrown)}`, {
      hint: `check: ls -l ${shellWord(folder)}`,
      cause: thrown,
    })
  })
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}
