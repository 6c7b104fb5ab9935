import { configText, sectionText, targetText } from './print.ts'
import { isEmpty, type ProposedTarget } from './proposal.ts'
import { exportedObject, objectOf, stringIn, type WrittenObject } from './source.ts'

/** What a configuration that is there becomes. */
export type Merged = {
  readonly text: string
  /** What was added, as `TARGET` or `TARGET.SECTION`. */
  readonly added: readonly string[]
  /** What people wrote and the proposal says otherwise or not at all, and so stays. */
  readonly kept: readonly string[]
  /** What has to be added by hand, since the file cannot be read there. */
  readonly byHand: readonly { readonly where: string; readonly text: string }[]
}

type Insertion = { readonly at: number; readonly text: string }

/**
 * Adds what is missing: targets, and sections of targets. Nothing that is there is changed or removed, so that
 * what people wrote stays as it is, comments and layout included.
 */
export function merge(existing: string, targets: readonly ProposedTarget[]): Merged {
  const nothing = { added: [], kept: [] }
  const config = exportedObject(existing)
  const written = config?.settings.find(({ key }) => key === 'targets')
  const all = written === undefined ? null : objectOf(written.value)
  if (config === null || all === null) {
    const byHand = targets.map((target) => ({ where: 'targets', text: targetText(target, '') }))
    return { text: existing, ...nothing, byHand }
  }
  const parts = targets.map((target) => ofTarget(existing, all, target))
  const insertions = parts.flatMap(({ insertions: one }) => one)
  return {
    text: inserted(existing, insertions),
    added: parts.flatMap(({ added }) => added),
    kept: parts.flatMap(({ kept }) => kept),
    byHand: parts.flatMap(({ byHand }) => byHand),
  }
}

type Part = Pick<Merged, 'added' | 'kept' | 'byHand'> & { readonly insertions: readonly Insertion[] }

function ofTarget(text: string, all: WrittenObject, target: ProposedTarget): Part {
  const found = matching(all, target)
  const none = { added: [], kept: [], byHand: [], insertions: [] }
  if (found === null) {
    if (all.opaque) return { ...none, byHand: [{ where: 'targets', text: targetText(target, '') }] }
    return {
      ...none,
      added: [target.name],
      insertions: appended(text, all, (indent) => targetText(target, indent)),
    }
  }
  const object = objectOf(found.value)
  const missing = target.sections.filter(
    ({ name }) => object === null || !object.settings.some(({ key }) => key === name),
  )
  if (object === null || object.opaque) {
    // Whatever is spread into the target may have these sections already.
    const body = missing.map((one) => sectionText(one, '')).join('')
    return { ...none, byHand: body === '' ? [] : [{ where: `targets.${found.key}`, text: body }] }
  }
  const real = missing.filter((one) => !isEmpty(one))
  return {
    ...none,
    added: real.map(({ name }) => `${found.key}.${name}`),
    kept: object.settings.map(({ key }) => `${found.key}.${key}`),
    insertions:
      real.length === 0
        ? []
        : appended(text, object, (indent) => real.map((one) => sectionText(one, indent)).join('')),
  }
}

/** The target of the same project, and of the same database where there are several; else that of the same name. */
function matching(all: WrittenObject, target: ProposedTarget): WrittenObject['settings'][number] | null {
  const wanted = databaseOf(target)
  const same = all.settings.filter(({ value }) => {
    const object = objectOf(value)
    if (object === null || textAt(object, 'stack', 'project') !== target.project) return false
    // Without a project nothing but its file tells a database.
    if (target.project === null) return textAt(object, 'database', 'file') === wanted
    const service =
      textAt(object, 'database', 'service') ??
      textAt(object, 'database', 'file') ??
      textAt(object, 'volumeDatabase', 'path')
    return service === null || wanted === null || service === wanted
  })
  return same[0] ?? all.settings.find(({ key }) => key === target.name) ?? null
}

function databaseOf({ sections }: ProposedTarget): string | null {
  const of = (name: string, key: string): string | null => {
    const value = sections.find((one) => one.name === name)?.value as
      | { readonly [key: string]: unknown }
      | undefined
    const found = value?.[key]
    return typeof found === 'string' ? found : null
  }
  return of('database', 'service') ?? of('database', 'file') ?? of('volumeDatabase', 'path')
}

function textAt(object: WrittenObject, section: string, key: string): string | null {
  const value = object.settings.find((one) => one.key === section)?.value
  const inner = value === undefined ? null : objectOf(value)
  return stringIn(inner?.settings.find((one) => one.key === key)?.value)
}

/** Text at the end of an object, after a comma if there is none yet. */
function appended(
  text: string,
  object: WrittenObject,
  body: (indent: string) => string,
): readonly Insertion[] {
  const last = object.settings.at(-1)
  const closing = object.end - 1
  const outer = indentAt(text, object.start)
  const lineStart = text.lastIndexOf('\n', closing) + 1
  const alone = lineStart > object.start && text.slice(lineStart, closing).trim() === ''
  const more = body(`${outer}  `)
  return [
    ...(last === undefined || commaIn(text.slice(last.end, closing)) !== null
      ? []
      : [{ at: last.end, text: ',' }]),
    alone ? { at: lineStart, text: more } : { at: closing, text: `\n${more}${outer}` },
  ]
}

/** The place of the comma, outside comments; null if there is none. */
function commaIn(text: string): number | null {
  const masked = text.replaceAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, (comment) => ' '.repeat(comment.length))
  const found = masked.indexOf(',')
  return found === -1 ? null : found
}

const indentAt = (text: string, at: number): string =>
  /^[ \t]*/.exec(text.slice(text.lastIndexOf('\n', at - 1) + 1))?.[0] ?? ''

const inserted = (text: string, all: readonly Insertion[]): string =>
  all
    .toSorted((one, other) => other.at - one.at)
    .reduce((current, { at, text: more }) => current.slice(0, at) + more + current.slice(at), text)

/** The file as it will be. */
export const merged = (existing: string | null, targets: readonly ProposedTarget[]): Merged =>
  existing === null || existing.trim() === ''
    ? { text: configText(targets), added: targets.map(({ name }) => name), kept: [], byHand: [] }
    : merge(existing, targets)
