import { idOf } from '../model/step-id.ts'
import type { Part } from './document.ts'
import { free, type RunbookDraft } from './draft.ts'
import { literal } from './literal.ts'

/** What a person is asked to do in a runbook. */
export type WrittenDuty = { readonly line: number; readonly text: string }

/** An item without a command: what it asks for is done by a person, health checks apart. */
export function writeItem(
  draft: RunbookDraft,
  { line, text }: Part,
  names: Set<string>,
): readonly WrittenDuty[] {
  if (text.trim().endsWith(':')) {
    draft.note(`Line ${line}: ${text}`)
    return []
  }
  if (/(?<![\w/.])\/(?:[\w-]+\/)*(?:health|ready|live)z?\b/.test(text))
    draft.add('checkHealth', 'Check health', `{ checks: ${draft.need('health')} }`)
  return [writeDuty(draft, line, text, names)]
}

export function writeDuty(draft: RunbookDraft, line: number, text: string, names: Set<string>): WrittenDuty {
  const what = text.replaceAll(/\s+/g, ' ').trim()
  const words = what
    .replace(/[:.].*$/, '')
    .split(' ')
    .slice(0, 6)
    .join(' ')
  const name = freeName(idOf(words).replace(/^[^a-z]+/, '') || `line-${line}`, names)
  draft.add('duty', titleOf(what, line), `{ name: ${literal(name)}, what: ${literal(what)} }`)
  return { line, text: what }
}

/** A title of one line that an operator can tell from others. */
export function titleOf(text: string, line: number): string {
  const short = text.length > 70 ? `${text.slice(0, 70).replace(/\s+\S*$/, '')} …` : text.replace(/\.$/, '')
  return idOf(short) === '' ? `Line ${line}: ${short}` : short
}

/** A name for people to type, such as that of a runbook. */
export const freeName = (wanted: string, taken: Set<string>): string =>
  free(wanted === '' ? 'procedure' : wanted.slice(0, 50).replace(/-+$/, ''), taken, (number) => `-${number}`)
