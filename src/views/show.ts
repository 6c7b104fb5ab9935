import { oneLine } from '../kernel/sanitize.ts'
import type { RunRecord } from '../run/record/record.ts'
import { plainBytes } from './bytes.ts'
import { documentAsText } from './document-text.ts'
import type { Width } from './fit.ts'
import { reportDocument } from './report/document.ts'
import { reportOf } from './report.ts'

/** The end of one log. `bytes` is the size of the complete log. */
export type LogTail = { readonly file: string; readonly bytes: number; readonly tail: Uint8Array }

/**
 * Evidence for a terminal: the report, then the logs. Control sequences in it have no effect. Without a width the report
 * is Markdown, as in `report.md`.
 */
export function evidenceText(record: RunRecord, logs: readonly LogTail[] = [], width: Width = null): string {
  const report = width === null ? reportOf(record) : documentAsText(reportDocument(record), width)
  return [report, ...logs.map(logText)].join('\n')
}

function logText({ file, bytes, tail }: LogTail): string {
  const left = bytes - tail.length
  return [
    `--- ${oneLine(file)} ---`,
    ...(left > 0 ? [`(${left} earlier bytes are not shown)`] : []),
    plainBytes(tail).replace(/\n?$/, '\n'),
  ].join('\n')
}
