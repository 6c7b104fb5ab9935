import { join } from 'node:path'
import type { Clock } from '../../kernel/clock.ts'
import { RunbookError } from '../../kernel/errors.ts'

/** What determines the path of a run's evidence folder. */
export interface Filed {
  /** Absolute path. */
  readonly artifacts: string
  readonly story: string | null
  readonly startedAt: Date
  readonly runbook: string
  readonly run: string
  readonly mode: 'run' | 'dry-run'
}

/** Folder of runs without a story. */
const noStory = '_'

/** `<artifacts>/<story>/<date>-<runbook>-<run>`, with the suffix `-dry-run` for a dry run. */
export function evidenceFolder({ artifacts, story, startedAt, runbook, run, mode }: Filed): string {
  const name = `${startedAt.toISOString().slice(0, 10)}-${runbook}-${run}${mode === 'dry-run' ? '-dry-run' : ''}`
  return join(storyFolder(artifacts, story), name)
}

/** Of a run that does not exist: what is looked at before there is one. */
export const foldersAhead =
  (artifacts: string, clock: Clock) =>
  (runbook: string): string =>
    evidenceFolder({
      artifacts,
      story: null,
      startedAt: clock.now(),
      runbook,
      run: 'looking-ahead',
      mode: 'dry-run',
    })

/** @throws RunbookError `usage` if the story is not a folder name, so that evidence stays in `artifacts` */
export function storyFolder(artifacts: string, story: string | null): string {
  if (story !== null && !/^[\p{L}\p{N}][\p{L}\p{N}._-]{0,99}$/u.test(story)) {
    throw new RunbookError('usage', `story ${JSON.stringify(story)} is not a valid folder name`, {
      hint: 'use letters, digits, dots, hyphens and underscores, as in --story 3.10',
    })
  }
  return join(artifacts, story ?? noStory)
}
