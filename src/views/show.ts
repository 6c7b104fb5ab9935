import { oneLine } from '../kernel/sanitize.ts'
import type { RunRecord } from '../run/record/record.ts'
import { plainBytes } from './bytes.ts'
import { reportOf } from './report.ts'

/** The end of one log. `bytes` is the size of the complete log. */
export type LogTail = { readonly file: string; readonly bytes: number; readonly tail: Uint8Array }

/** Evidence for a terminal: the report, then the logs. Control sequences in it have no effect. */
export function showEvidence(record: RunRecord, logs: readonly LogTail[] = []): string {
  return [reportOf(record), ...logs.map(showLog)].join('\n')
}

function showLog({ file, bytes, tail }: LogTail): string {
  const left = bytes - tail.length
  return [
    `--- ${oneLine(file)} ---`,
    ...(left > 0 ? [`(${left} earlier bytes are not shown)`] : []),
    plainBytes(tail).replace(/\n?$/, '\n'),
  ].join('\n')
}
