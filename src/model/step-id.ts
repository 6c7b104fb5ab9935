/** Ids are used in the names of log files. */
const longest = 60

/** The default id of a step: `Stop writers` becomes `stop-writers`. */
export function idOf(title: string): string {
  return title
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, longest)
    .replace(/^-+|-+$/g, '')
}

type Named = { readonly id: string; readonly title: string }

/**
 * Why a step cannot have this title or id; null if it can.
 * @param given explicit id; undefined: derived from the title
 */
export function idFault(
  title: string,
  given: string | undefined,
  earlier: readonly Named[],
): { readonly what: string; readonly hint: string } | null {
  const derived = idOf(title)
  if (!/[\p{L}\p{N}]/u.test(title))
    return {
      what: `${JSON.stringify(title)} is not a step title`,
      hint: 'use words that an operator understands',
    }
  if (derived === '' && given === undefined)
    return {
      what: `no id can be derived from the title ${JSON.stringify(title)}`,
      hint: "it has no Latin letters or digits: give the step an id, as in step(title, call, { id: 'stop-writers' })",
    }
  if (earlier.some((step) => step.title === title))
    return { what: `two steps are titled "${title}"`, hint: 'give each its own title' }
  if (given !== undefined && !isId(given))
    return {
      what: `the id of "${title}" is ${JSON.stringify(given)}`,
      hint: `use lowercase letters, digits and single hyphens, at most ${longest} characters`,
    }
  const id = given ?? derived
  const duplicate = earlier.find((step) => step.id === id)
  if (duplicate === undefined) return null
  return given === undefined && idOf(duplicate.title) === id
    ? {
        what: `the titles "${duplicate.title}" and "${title}" are too similar`,
        hint: `both give the id ${id}: reword one, or set its id`,
      }
    : { what: `"${duplicate.title}" and "${title}" both have the id ${id}`, hint: 'give each its own id' }
}

const isId = (id: unknown): boolean =>
  typeof id === 'string' && id.length <= longest && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(id)
