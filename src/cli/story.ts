import { dirname, relative } from 'node:path'
import { failureOf } from '../kernel/errors.ts'
import type { Stored } from '../run/journal/entry.ts'
import { recordOf } from '../run/record/record.ts'
import { storyLine } from '../views/storyline.ts'
import type { Terminal } from './terminal.ts'

/**
 * Adds one line to the story of a run unless it is already there. The run is settled by then, so a failure to
 * write the story is only a warning.
 * @param stories path of the story files, with `{story}` in it; null where none are kept
 */
export function storyTeller(
  stories: string | null,
  terminal: Terminal,
): (entries: readonly Stored[], folder: string) => Promise<void> {
  return async (entries, folder) => {
    const record = recordOf(entries)
    if (stories === null || record.story === null || record.mode === 'dry-run') return
    const file = stories.replaceAll('{story}', record.story)
    try {
      const [{ addToStory }, { diskFiles }] = await Promise.all([
        import('../adapters/evidence/story.ts'),
        import('../adapters/disk/files.ts'),
      ])
      await addToStory(diskFiles, file, storyLine(record, `${relative(dirname(file), folder)}/report.md`))
    } catch (thrown) {
      const { message, hint } = failureOf(thrown)
      terminal.err(`warning: ${message}\n${hint === undefined ? '' : `hint: ${hint}\n`}`)
    }
  }
}
