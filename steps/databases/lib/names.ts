/**
 * Postgres silently truncates names to 63 bytes (NAMEDATALEN - 1); this leaves room for an adapter's
 * suffixes.
 */
const longest = 54

/**
 * Labels of the dumps that runs take, named `DATABASE-LABEL-RUN`. Steps use no other label, so that pruning
 * knows them all and can tell the dumps of `shop-eu` from those of `shop`. Keep a label while dumps of
 * earlier versions may exist.
 */
export const dumpLabels = [
  'before-rollback',
  'before-downgrade',
  'before-recovery',
  'pre-rollback',
  'replaced',
  'current',
  'kept',
] as const

export type DumpLabel = (typeof dumpLabels)[number]

/** The name of a database as part of a file's name: Postgres allows a slash in it. */
export const inFileName = (database: string): string => database.replaceAll('/', '%2F')

/**
 * What a run puts aside: `old` is the data that a swap replaced, `kept` the data that was live in a run and that
 * its rollback replaced.
 */
export const asides = ['old', 'kept'] as const
export type Aside = (typeof asides)[number]

/** Whether a run gave this name to a database that it put aside. */
export const isAside = (live: string, name: string, what: Aside): boolean => runIn(live, name, what) !== null

/** The id of the run, with underscores, in the name of a database put aside; null for any other name. */
export function runIn(live: string, name: string, what: Aside): string | null {
  const run = new RegExp(`__${what}_(\\w+)$`).exec(name)?.[1] ?? ''
  return run !== '' && besideName(live, what, run) === name ? run : null
}

/** A name beside the live one with the run's id in it: unique per run, and it shows its origin. */
export function besideName(live: string, what: 'rb' | Aside, run: string): string {
  const ending = `__${what}_${run.replaceAll('-', '_')}`
  return `${cut(live, longest - Buffer.byteLength(ending))}${ending}`
}

/** As many complete characters as fit. */
function cut(text: string, bytes: number): string {
  let result = ''
  for (const letter of text) {
    if (Buffer.byteLength(result + letter) > bytes) break
    result += letter
  }
  return result
}
