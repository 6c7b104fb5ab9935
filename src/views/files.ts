import { canonical } from '../kernel/json.ts'
import type { Stored } from '../run/journal/entry.ts'
import type { EvidenceFile } from '../run/journal/evidence.ts'
import { incidentOf } from '../run/record/incident.ts'
import { recordOf, sealable, type RunRecord } from '../run/record/record.ts'
import { documentAsMarkdown } from './document.ts'
import { incidentDocument } from './incident.ts'
import { junitOf } from './junit.ts'
import { incidentPageOf, pageOf, storyPageOf } from './page.ts'
import { reportOf } from './report.ts'
import { storyIndexOf, type StoryRun } from './storyline.ts'

/**
 * All files of an evidence folder besides the logs. They depend on the journal alone, so a verifier can build
 * them again and compare. `journal.jsonl` holds the entries, so that the chain can be checked on any machine.
 */
export function filesOf(entries: readonly Stored[]): readonly EvidenceFile[] {
  const run = canonical(recordOf(entries))
  // Parsed from its canonical form, so that nothing depends on the key order of a step's output.
  const record = JSON.parse(run) as RunRecord
  return [
    {
      name: 'journal.jsonl',
      body: sealable(entries)
        .map((entry) => `${canonical(entry)}\n`)
        .join(''),
    },
    { name: 'run.json', body: `${run}\n` },
    { name: 'report.md', body: reportOf(record) },
    { name: 'report.html', body: pageOf(record) },
    { name: 'junit.xml', body: junitOf(record) },
  ]
}

/** The index of a story, for reviewers: every run, and whether its evidence verifies. */
export const storyFilesOf = (story: string, runs: readonly StoryRun[]): readonly EvidenceFile[] => [
  { name: 'index.md', body: storyIndexOf(story, runs) },
  { name: 'index.html', body: storyPageOf(story, runs) },
]

/** The page of an incident, and the same as Markdown. */
export function incidentFilesOf(
  name: string,
  runs: readonly StoryRun[],
  alarm: string | null,
): readonly EvidenceFile[] {
  const incident = incidentOf(runs, alarm)
  return [
    { name: 'incident.md', body: documentAsMarkdown(incidentDocument(name, incident, runs, 'report.md')) },
    { name: 'incident.html', body: incidentPageOf(name, incident, runs) },
  ]
}
