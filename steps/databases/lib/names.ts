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
] as const

export type DumpLabel = (typeof dumpLabels)[number]

/** The name of a database as part of a file's name: Postgres allows a slash in it. */
export const inFileName = (database: string): string => database.replaceAll('/', '%2F')

/** A name beside the live one with the run's id in it: unique per run, and it shows its origin. */
export function besideName(live: string, what: 'rb' | 'old', run: string): string {
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
