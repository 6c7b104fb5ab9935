import { recordingOf } from '../model/recording.ts'
import type { Runbook } from '../model/runbook.ts'
import type { Section, Target } from '../model/target.ts'
import type { Readers } from '../views/config-text.ts'

/**
 * Which runbooks read which section: those that declare a need, and those whose scripts access it.
 * @param target one that has every section
 */
export function readersOf(
  books: readonly Runbook[],
  target: Target,
  sections: readonly Section[],
): ReadonlyMap<Section, Readers> {
  const touched = new Map(books.map((book) => [book.name, touchedBy(book, target, sections)]))
  return new Map(
    sections.map((section) => {
      const needed = books.filter(({ about }) => about.needs.includes(section))
      const used = books.filter(
        (book) => !needed.includes(book) && touched.get(book.name)?.has(section) === true,
      )
      return [section, { needed: needed.map(({ name }) => name), used: used.map(({ name }) => name) }]
    }),
  )
}

/**
 * Records the script for targets with and without each section, since it may read one only where another is
 * missing.
 */
function touchedBy(book: Runbook, target: Target, sections: readonly Section[]): ReadonlySet<Section> {
  const found = new Set<Section>()
  const optional = sections.filter((section) => !book.about.needs.includes(section))
  const without = (missing: readonly Section[]): Target =>
    Object.fromEntries(
      Object.entries(target).filter(([name]) => !missing.includes(name as Section)),
    ) as Target
  const variants = [[], optional, ...optional.map((section) => [section])]
  for (const missing of variants) {
    const seen = new Proxy(without(missing), {
      get: (given, name, receiver) => {
        if (sections.includes(name as Section)) found.add(name as Section)
        return Reflect.get(given, name, receiver) as unknown
      },
    })
    try {
      recordingOf(book, seen)
    } catch {
      // A script may refuse such a target; what it accessed before that counts.
    }
  }
  return found
}
