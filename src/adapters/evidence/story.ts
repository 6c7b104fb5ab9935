import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Files } from '../../drivers/files.ts'
import { cannot, RunbookError } from '../../kernel/errors.ts'
import type { EvidenceFile } from '../../run/journal/evidence.ts'
import type { RunSummary } from '../../run/journal/journal.ts'
import { storyFolder } from '../../run/record/evidence-folder.ts'
import { withLine, type Addition } from './qa-results.ts'
import { beginsWithDate, misfiled, verifiedRun, type FiledRun } from './filed-runs.ts'
import { reason, systemCode } from './errors.ts'
import type { Defect } from './verify/defects.ts'

/** A larger file is not a story. Bytes. */
const largestStory = 16 << 20

/**
 * Adds a line to the section *QA Results* of a story, which is created if missing. All other bytes are kept,
 * and an existing line (recognised by its prefix) is not added again.
 * @returns whether it was added
 * @throws RunbookError `failed` if the file is missing or not writable; the run itself is settled anyway
 */
export async function addToStory(files: Files, file: string, addition: Addition): Promise<boolean> {
  for (let attempts = 5; attempts > 0; attempts--) {
    const before = Buffer.from(await files.read(file, largestStory))
    if (before.includes(0))
      throw cannot('add a line to', `story ${file}`, 'not a text file', {
        code: 'failed',
        hint: `check: file ${file}`,
      })
    const after = withLine(before, addition)
    if (after === null) return false
    // An editor may have written meanwhile: compare again just before writing.
    if (!before.equals(await files.read(file, largestStory))) continue
    await files.write(file, after)
    return true
  }
  throw cannot('add a line to', `story ${file}`, 'it keeps changing', {
    code: 'failed',
    hint: `close it in other programs, then add this line by hand: ${addition.line}`,
  })
}

export type StoryIndexing = {
  readonly files: Files
  verify(folder: string): Promise<readonly Defect[]>
  /** The run of a folder, as the journal knows it. */
  known?(folder: string): RunSummary | null
  /** The files of the index, with their names. */
  render(story: string, runs: readonly FiledRun[]): readonly EvidenceFile[]
}

/**
 * Verifies every run of a story and writes its index.
 * @returns the paths of the index, and how many runs do not verify
 * @throws RunbookError `usage` if the story has no evidence
 */
export async function storyIndex(
  artifacts: string,
  story: string,
  { files, verify, known, render }: StoryIndexing,
): Promise<{ readonly index: readonly string[]; readonly bad: number }> {
  const folder = storyFolder(artifacts, story)
  const runs: FiledRun[] = []
  for (const name of await foldersIn(folder, story)) {
    const { record, defects } = await verifiedRun(join(folder, name), verify)
    runs.push({
      folder: name,
      record,
      defects: [...defects, ...misfiled(story, record, runs)],
      ...(record === null && known !== undefined ? { known: known(name) } : {}),
    })
  }
  const index: string[] = []
  for (const { name, body } of render(story, runs)) {
    index.push(join(folder, name))
    await files.write(join(folder, name), body)
  }
  return { index, bad: runs.filter(({ defects }) => defects.length > 0).length }
}

async function foldersIn(folder: string, story: string): Promise<readonly string[]> {
  const failed = (thrown: unknown): RunbookError =>
    new RunbookError(
      'usage',
      `cannot read the evidence of story ${story} in ${folder}: ${systemCode(thrown) === 'ENOENT' ? 'no such folder' : reason(thrown)}`,
      { hint: `assign a run to it with --story ${story}`, cause: thrown },
    )
  const entries = await readdir(folder, { withFileTypes: true }).catch((thrown: unknown) => {
    throw failed(thrown)
  })
  // Folders of runs begin with a date; others belong to people.
  return entries
    .filter((entry) => entry.isDirectory() && beginsWithDate(entry.name))
    .map(({ name }) => name)
    .sort()
}
