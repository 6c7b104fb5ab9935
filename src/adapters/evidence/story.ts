import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Files } from '../../drivers/files.ts'
import { RunbookError } from '../../kernel/errors.ts'
import { storyFolder } from '../../run/record/evidence-folder.ts'
import type { RunRecord } from '../../run/record/record.ts'
import { withLine, type Addition } from './qa-results.ts'
import { readEvidence } from './read.ts'
import { reason, systemCode } from './errors.ts'
import type { Defect } from './verify/defects.ts'

/** A story is a text for people; more than this is something else. Bytes. */
const largestStory = 16 << 20

/**
 * Adds one line to the section *QA Results* of a story, which is made where it is missing. All or nothing, every other byte stays, and
 * a line that is there already (told by its beginning) is not added again.
 * @returns whether it was added
 * @throws RunbookError `failed` where the file is missing or cannot be written: what the line tells of is settled all the same
 */
export async function addToStory(files: Files, file: string, addition: Addition): Promise<boolean> {
  for (let left = 5; left > 0; left--) {
    const before = Buffer.from(await files.read(file, largestStory))
    if (before.includes(0))
      throw new RunbookError('failed', `could not add a line to the story ${file}: it is no text`, {
        hint: `look: file ${file}`,
      })
    const after = withLine(before, addition)
    if (after === null) return false
    // Somebody may be writing at this very moment: look once more just before.
    if (!before.equals(await files.read(file, largestStory))) continue
    await files.write(file, after)
    return true
  }
  throw new RunbookError('failed', `could not add a line to the story ${file}: it keeps changing`, {
    hint: `close it elsewhere, then add this line yourself: ${addition.line}`,
  })
}

export type StoryRun = {
  readonly folder: string
  readonly record: RunRecord | null
  readonly defects: readonly string[]
}

export type StoryIndexing = {
  readonly files: Files
  verify(folder: string): Promise<readonly Defect[]>
  /** Writes the index; see views/storyline.ts. */
  render(story: string, runs: readonly StoryRun[]): string
}

/**
 * Verifies every run of a story and writes its `index.md`.
 * @returns the path of the index
 * @throws RunbookError `usage` where the story has no evidence
 */
export async function storyIndex(
  artifacts: string,
  story: string,
  { files, verify, render }: StoryIndexing,
): Promise<string> {
  const folder = storyFolder(artifacts, story)
  const runs: StoryRun[] = []
  for (const name of await foldersIn(folder, story)) {
    const record = await readEvidence(join(folder, name)).then(
      ({ record }) => record,
      () => null,
    )
    const defects = (await verify(join(folder, name))).map(({ reason, file }) =>
      file === '' ? reason : `${reason} (${file})`,
    )
    runs.push({ folder: name, record, defects: [...defects, ...misfiled(story, record, runs)] })
  }
  const index = join(folder, 'index.md')
  await files.write(index, render(story, runs))
  return index
}

/** Good evidence in the wrong place would let one run stand for several. */
function misfiled(story: string, record: RunRecord | null, before: readonly StoryRun[]): readonly string[] {
  if (record === null) return []
  return [
    ...(record.story === story ? [] : ['belongs to another story']),
    ...(before.some((one) => one.record?.run === record.run) ? ['the same run stands here twice'] : []),
  ]
}

async function foldersIn(folder: string, story: string): Promise<readonly string[]> {
  const failed = (thrown: unknown): RunbookError =>
    new RunbookError(
      'usage',
      `the story ${story} has no evidence that can be read: ${folder}: ${systemCode(thrown) === 'ENOENT' ? 'no such folder' : reason(thrown)}`,
      {
        hint: `file a run under it with --story ${story}`,
        cause: thrown,
      },
    )
  const entries = await readdir(folder, { withFileTypes: true }).catch((thrown: unknown) => {
    throw failed(thrown)
  })
  // Folders of runs begin with their date; what people keep beside them is theirs.
  return entries
    .filter((entry) => entry.isDirectory() && /^\d{4}-\d\d-\d\d-/.test(entry.name))
    .map(({ name }) => name)
    .sort()
}
