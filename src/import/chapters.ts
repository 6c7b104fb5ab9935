import { procedureOf, type Heading, type Part } from './document.ts'
import { asksForAct } from './duty.ts'
import type { Procedure, Step } from './procedure.ts'
import type { Recognised } from './recogniser.ts'

/** What of a document becomes one runbook: what stands under one heading that has commands. */
export type Chapter = {
  readonly title: string
  readonly line: number
  readonly parts: readonly Part[]
  readonly steps: readonly Step[]
  /** Paragraphs with a command in them: the command is what they ask for. */
  readonly withCommand: ReadonlySet<Part>
}

type Becomes = ReadonlyMap<Step, Recognised | null>
type Group = Chapter & {
  /** The headings above its own. */
  readonly above: readonly Heading[]
  readonly parts: Part[]
  readonly steps: Step[]
}

/** What is done by hand if it fails is what a rollback does. */
export const ifItFails = (headings: readonly Pick<Heading, 'title'>[]): boolean =>
  headings.some(({ title }) => /\bif\b.*\bfail(s|ed)?\b/i.test(title))

/** Prose that asks a person to act, in what is always done. */
export const isAsked = (part: Part): boolean => asksForAct(part) && !ifItFails(part.headings)

/** Each with what is to be done before or after it under a heading of its own, such as "Before you start". */
export function chaptersIn(document: Procedure, becomes: Becomes): readonly Chapter[] {
  const groups = groupsIn(document, becomes)
  const acting = groups.filter((group) => acts(group, becomes))
  return acting.map((chapter) => ({
    ...chapter,
    parts: [
      ...chapter.parts,
      ...groups.filter((group) => frames(group, chapter, acting)).flatMap(({ parts }) => parts),
    ],
  }))
}

/** What a person is asked to do under headings that become part of no runbook. */
export function askedOutside(document: Procedure, becomes: Becomes): readonly Part[] {
  const groups = groupsIn(document, becomes)
  const acting = groups.filter((group) => acts(group, becomes))
  return groups
    .filter((group) => !acting.includes(group) && !acting.some((chapter) => frames(group, chapter, acting)))
    .flatMap(({ parts, withCommand }) =>
      parts.filter(
        (part) => part.kind === 'prose' && !withCommand.has(part) && (isAsked(part) || isItem(part)),
      ),
    )
}

/** Of a numbered list or a checklist; a table of contents is none. */
const isItem = ({ item, text, headings }: Part): boolean =>
  item !== null &&
  !text.trim().endsWith(':') &&
  !ifItFails(headings) &&
  !headings.some(({ title }) => /\bcontents\b|^inhalt/i.test(title))

const acts = ({ steps }: Group, becomes: Becomes): boolean =>
  steps.some((step) => {
    const what = becomes.get(step) ?? null
    return what === null || what.as === 'step' || what.as === 'script'
  })

const begins =
  /^(?:before|prerequisites?|preparations?|prepare|preconditions?|pre-)|^(?:vor|voraussetzung|vorbereitung)/i
const ends =
  /^(?:after|afterwards|follow[- ]?up|post-|finally|when done)|^(?:nach|danach|anschließend|abschluss)/i

/** Whether what has no commands of its own is to be done before or after the commands of a chapter next to it. */
function frames(group: Group, chapter: Group, acting: readonly Group[]): boolean {
  if (acting.includes(group) || group.line === 0 || ifItFails([...chapter.above, chapter])) return false
  const parent = group.above.at(-1)?.line ?? 0
  const isBeside =
    parent === 0 || chapter.line === parent || chapter.above.some(({ line }) => line === parent)
  return isBeside && (group.line < chapter.line ? begins.test(group.title) : ends.test(group.title))
}

function groupsIn({ parts, steps }: Procedure, becomes: Becomes): readonly Group[] {
  const found = new Map<number, Group>()
  const blocks = new Set([...becomes.keys()].map(({ block }) => block))
  const withCommand = new Set(
    parts.filter((part, index) => {
      if (part.kind !== 'prose') return false
      const next = parts.findIndex(({ kind }, at) => at > index && kind !== 'inline')
      return parts
        .slice(index + 1, next < 0 ? undefined : next)
        .some((_, more) => blocks.has(index + 1 + more))
    }),
  )
  const groupOf = (heading: Heading | null, headings: readonly Heading[]) => {
    const line = heading?.line ?? 0
    const there = found.get(line) ?? {
      title: heading?.title ?? 'Procedure',
      line,
      above: headings.filter((one) => heading !== null && one.depth < heading.depth),
      parts: [],
      steps: [],
      withCommand,
    }
    found.set(line, there)
    return there
  }
  for (const part of parts) groupOf(procedureOf(part), part.headings).parts.push(part)
  for (const step of steps) if (becomes.has(step)) groupOf(step.procedure, step.headings).steps.push(step)
  return [...found.values()]
}
