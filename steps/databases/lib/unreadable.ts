import { RunbookError, type Database, type Finding, type Look, type Unreadable } from '../../../src/index.ts'

const mostNamed = 10

/** Whether a fingerprint or a dump reads it. Both are taken while the writers are stopped. */
const readBy: {
  readonly [by in 'fingerprint' | 'dump']: (database: Database, one: Unreadable) => boolean
} = {
  fingerprint: ({ fingerprint }, { what }) =>
    what === 'table' ||
    what === 'file' ||
    (fingerprint === 'rows-and-digest' && what !== 'partitioned table'),
  dump: () => true,
}

/**
 * Findings before the first effect: without the privilege, the step would fail once the writers are stopped. A
 * warning where it cannot be looked at.
 */
export async function unreadableFindings(
  look: Look,
  database: Database,
  by: keyof typeof readBy,
): Promise<readonly Finding[]> {
  const found = await look.databases.unreadable(database).catch((thrown: unknown) => {
    look.signal.throwIfAborted()
    // What is down may be brought up by an earlier step: the engine asks again.
    if (!(thrown instanceof RunbookError) || thrown.down !== undefined) throw thrown
    return thrown.message
  })
  if (typeof found === 'string')
    return [
      {
        level: 'warn',
        about: database.name,
        problem: `whether everything in ${database.name} may be read is unknown: ${found}`,
        hint: 'check the privileges of the role of the target by hand',
      },
    ]
  const refused = found.filter((one) => readBy[by](database, one))
  if (refused.length === 0) return []
  const who = database.engine === 'sqlite' ? 'this account' : `the role ${database.user}`
  const named = refused.slice(0, mostNamed).map(({ what, name, why }) => `${what} ${name} (${why})`)
  return [
    {
      level: 'refuse',
      about: database.name,
      problem: `${who} may not read all of ${database.name}, which the run must do while the writers are stopped: ${listed(named, refused.length)}`,
      hint: cureFor(refused),
    },
  ]
}

function cureFor(refused: readonly Unreadable[]): string {
  const cures = [...new Set(refused.flatMap(({ cures: all }) => all))]
  const how = listed(cures.slice(0, mostNamed), cures.length, '; ')
  if (refused.some(({ what }) => what === 'file')) return `permit it: ${how}`
  return `permit it as the owner or a superuser: ${how}`
}

const listed = (shown: readonly string[], all: number, by = ', '): string =>
  shown.join(by) + (all > shown.length ? ` and ${all - shown.length} more` : '')
