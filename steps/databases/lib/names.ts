/** Postgres cuts names after 63 bytes (NAMEDATALEN - 1), silently; some room is left for an adapter's own endings. */
const longest = 54

/**
 * What a dump that a run makes is labelled; its name is `DATABASE-LABEL-RUN`. Steps take no other label, so pruning knows every one, and
 * tells the dumps of `shop-eu` from those of `shop`. A label stays here while dumps of earlier versions may lie about.
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

/** A name beside the live one that bears the run's id, so that no two runs ever meet and everybody sees where it came from. */
export function besideName(live: string, what: 'rb' | 'old', run: string): string {
  const ending = `__${what}_${run.replaceAll('-', '_')}`
  return `${cut(live, longest - Buffer.byteLength(ending))}${ending}`
}

/** Whole letters only, as many as fit. */
function cut(text: string, bytes: number): string {
  let fits = ''
  for (const letter of text) {
    if (Buffer.byteLength(fits + letter) > bytes) break
    fits += letter
  }
  return fits
}
