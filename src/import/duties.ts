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
  const name = freeName(shortName(what) || `line-${line}`, names)
  draft.add('duty', titleOf(what, line), `{ name: ${literal(name)}, what: ${literal(what)} }`)
  return { line, text: what }
}

/** Words that say nothing of what is done. */
const fillers = new Set(
  (
    'a an the that this these those its their your our and or of to in on at for with by from is are be has have will who which what whether ' +
    'sie die der das den dem des ein eine einen einem einer dass und oder im am zum zur vom mit von für auf in bitte dann please then'
  ).split(' '),
)

/** A name for people to type: the first words that say what is done, and never part of one. */
function shortName(what: string): string {
  const [clause = what] = what.split(/[:.;,(]/)
  const words = idOf(clause)
    .split('-')
    .filter((word) => !fillers.has(word))
  let name = ''
  for (const word of words.slice(0, 4)) {
    const longer = name === '' ? word : `${name}-${word}`
    if (name !== '' && longer.length > 30) break
    name = longer
  }
  return name.replace(/^[^a-z]+/, '')
}

/** A title of one line that an operator can tell from others. */
export function titleOf(text: string, line: number): string {
  const short = text.length > 70 ? `${text.slice(0, 70).replace(/\s+\S*$/, '')} …` : text.replace(/\.$/, '')
  return idOf(short) === '' ? `Line ${line}: ${short}` : short
}

/** A name for people to type, such as that of a runbook. */
export const freeName = (wanted: string, taken: Set<string>): string =>
  free(wanted === '' ? 'procedure' : wanted.slice(0, 50).replace(/-+$/, ''), taken, (number) => `-${number}`)
