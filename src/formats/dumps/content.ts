import { isSqliteScript } from './sqlite-script.ts'

/** What is in a backup once nothing wraps it. */
export type Content = 'archive' | 'sqlite' | 'script' | 'tar' | 'unknown'

/** How many bytes from the start `contentOf` needs. */
export const contentBytes = 1024

/**
 * By content, never by name. `archive` is pg_dump -Fc, or the table of contents of one of its other forms; `script` is
 * SQL of pg_dump, pg_dumpall or `.dump` of the sqlite3 shell.
 */
export function contentOf(start: Uint8Array): Content {
  const text = Buffer.from(start.subarray(0, contentBytes)).toString('latin1')
  if (text.startsWith('PGDMP')) return 'archive'
  if (text.startsWith('SQLite format 3\0')) return 'sqlite'
  if (text.slice(257, 262) === 'ustar') return 'tar'
  return isPostgresScript(text) || isSqliteScript(start) ? 'script' : 'unknown'
}

/** As `contentOf`, of a few bytes. */
export const startsLikeADump = (start: Uint8Array): boolean => {
  const text = Buffer.from(start).toString('latin1')
  // Of the header of a tar archive, its first fields: a name, zeros, and an octal number.
  if (/^[^\0]+\0+$/.test(text.slice(0, 100)) && /^[0-7]{6,7}[ \0]{1,2}$/.test(text.slice(100, 108)))
    return true
  return /^(?:PGDMP|SQLite format 3\0|toc\.dat\0|\.\/|(?:\ufeff|\xef\xbb\xbf)?(?:\r?\n)*--\r?\n-- PostgreSQL|PRAGMA foreign_keys=OFF;)/.test(
    text,
  )
}

/** The heading of pg_dump and pg_dumpall; a hand may have put something before it. */
const isPostgresScript = (text: string): boolean =>
  /^-- PostgreSQL database (?:cluster )?dump\r?$/m.test(text)
