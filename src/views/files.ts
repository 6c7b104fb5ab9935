import { canonical } from '../kernel/json.ts'
import type { Stored } from '../run/journal/entry.ts'
import type { EvidenceFile } from '../run/journal/evidence.ts'
import { recordOf, sealable, type RunRecord } from '../run/record/record.ts'
import { junitOf } from './junit.ts'
import { reportOf } from './report.ts'

/**
 * All that is put into an evidence folder besides the logs, made from the journal alone: a verifier makes it again and compares.
 * `journal.jsonl` holds the entries themselves, so that the chain can be checked without the machine on which it was written.
 */
export function filesOf(entries: readonly Stored[]): readonly EvidenceFile[] {
  const run = canonical(recordOf(entries))
  // Read back, so that nothing hangs on the order in which a step wrote the parts of its output.
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
    { name: 'junit.xml', body: junitOf(record) },
  ]
}
