import type { RunRecord } from '../run/record/record.ts'
import { documentAsMarkdown } from './document.ts'
import { reportDocument } from './report/document.ts'

/** `report.md`. Text from outside is in code spans or blocks, where it cannot act as markup. */
export const reportOf = (record: RunRecord): string => documentAsMarkdown(reportDocument(record))
