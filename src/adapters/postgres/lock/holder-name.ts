import type { LockHolder } from '../../../drivers/locks.ts'

/** The longest application_name of a server (NAMEDATALEN - 1). */
const longest = 63

/**
 * The application_name of a session that holds a lock: `rb-lock RUN SINCE BY@HOST`, cut to what the server
 * keeps. Everybody may read it, while statements are shown to the same role only.
 */
export function applicationOf({ run, by, host, since }: LockHolder): string {
  const when = since.slice(0, 19).replaceAll(/[-:]/g, '')
  return `rb-lock ${run} ${when}Z ${by}@${host}`.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, longest)
}

/** A comment in each statement of the session, with all of it. */
export const commentOf = (holder: LockHolder): string =>
  `/* ${marker}${JSON.stringify({ run: holder.run, by: holder.by, host: holder.host, since: holder.since }).replaceAll('*/', '* /')} */`

const marker = 'rb-lock '

/** @param query the session's last statement; null or empty where this role may not see it */
export function holderIn(application: string, query: string | null): LockHolder | null {
  const said = /\/\* rb-lock (\{.*\}) \*\//s.exec(query ?? '')?.[1]
  if (said !== undefined) {
    try {
      return JSON.parse(said) as LockHolder
    } catch {
      // A server keeps only the beginning of a long statement; the name has the most important parts.
    }
  }
  const found = /^rb-lock (\S+) (\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z (.*)$/.exec(application)
  if (found === null) return null
  const [, run = '', year, month, day, hour, minute, second, who = ''] = found
  const [by = '', host = ''] = [who.split('@')[0], who.split('@').slice(1).join('@')]
  return { run, by, host, since: `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z` }
}
