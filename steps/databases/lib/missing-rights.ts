import {
  RunbookError,
  type ChangeNeedingRights,
  type Database,
  type Finding,
  type Look,
  type MissingRight,
} from '../../../src/index.ts'
import { firstOf } from './first-of.ts'

const mostNamed = 10

/** In the words of a sentence: `X cannot …`. */
const inWords: { readonly [change in ChangeNeedingRights['do']]: string } = {
  'restore beside': 'restore a copy beside it',
  swap: 'exchange it for a copy',
  'restore in place': 'replace its data, or undo that',
  'drop copies': 'drop a copy of it',
  'insert rows': 'insert rows into it, or delete them again',
}

/**
 * Findings before the first effect: what the role lacks and what a person types to permit it. A warning where it
 * depends on what happens until then, or cannot be looked at.
 */
export async function missingRightsFindings(
  look: Pick<Look, 'databases' | 'signal'>,
  database: Database,
  change: ChangeNeedingRights,
): Promise<readonly Finding[]> {
  const found = await look.databases.missingRights(database, change).catch((thrown: unknown) => {
    look.signal.throwIfAborted()
    // What is down may be brought up by an earlier step: the engine asks again.
    if (!(thrown instanceof RunbookError) || thrown.down !== undefined) throw thrown
    return thrown.message
  })
  const about = database.name
  const who = database.engine === 'sqlite' ? 'this account' : `the role ${database.user}`
  if (typeof found === 'string')
    return [
      {
        level: 'warn',
        about,
        problem: `whether ${who} may ${inWords[change.do]} is unknown for ${database.name}: ${found}`,
        hint: 'check the rights of the target by hand',
      },
    ]
  const [certain, possible] = [found.filter((one) => one.certain), found.filter((one) => !one.certain)]
  return [
    ...(certain.length === 0
      ? []
      : [
          {
            level: 'refuse' as const,
            about,
            problem: `${who} cannot ${inWords[change.do]} (${database.name}): it lacks ${lackedIn(certain)}`,
            hint: `${database.engine === 'sqlite' ? 'permit it' : 'permit it as a superuser'}: ${curesOf(certain)}`,
          },
        ]),
    ...(possible.length === 0
      ? []
      : [
          {
            level: 'warn' as const,
            about,
            problem: `${who} may be unable to ${inWords[change.do]} (${database.name}), as things are now: it lacks ${lackedIn(possible)}`,
            hint: curesOf(possible),
          },
        ]),
  ]
}

const lackedIn = (found: readonly MissingRight[]): string =>
  firstOf(
    found.map(({ lacks }) => lacks),
    mostNamed,
  )

const curesOf = (found: readonly MissingRight[]): string =>
  firstOf([...new Set(found.flatMap(({ cures }) => cures))], mostNamed, '; ')
