import {
  cannot,
  defineStep,
  isPending,
  say,
  shellWord,
  type Database,
  type Dump,
  type JsonObject,
  type Look,
  type RunbookError,
} from '../../src/index.ts'
import { firstOf } from './lib/first-of.ts'
import { offeringOlder } from '../backups/lib/offering-older.ts'
import type { Again } from '../backups/lib/older-backups.ts'
import { besideName } from './lib/names.ts'
import { rightsInShort, rightsSentence } from './lib/restore-rights.ts'

type Input = {
  readonly database: Database
  readonly archive: Dump
  /** How the dump will be restored. Default: beside. */
  readonly strategy?: 'beside' | 'in-place'
  /** To name other backups where this one does not fit; left out where the operator did not choose it. */
  readonly again?: Again
}

type Output = {
  readonly server: string
  readonly major: number
  readonly host: string
  readonly system: string
  readonly tools: readonly JsonObject[]
  /** With whose rights the dump will be restored, in a few words. */
  readonly rights: string
}

/**
 * Compares server, tools and dump before any change, and says with whose rights the dump will be restored. Preflight refuses a read-only server, such as a standby.
 * @throws RunbookError `verification` for another engine or major version, or a missing role or extension
 */
export const requireFit = defineStep<Input, Output>({
  kind: 'databases.require-fit',
  version: 1,
  effect: 'observe',
  describe: ({ database }) =>
    `Compares the versions of server, tools and dump${isPending(database) ? '' : say` for ${database.name}`}, ` +
    'checks that the server has the roles and extensions that the dump needs, and says with whose rights it is restored.',
  preflight: async (look, { database }) => {
    if (isPending(database)) return []
    const identity = await look.databases.identity(database)
    if (identity.acceptsWrites) return []
    const about = database.name
    if (database.engine === 'sqlite')
      return [
        {
          level: 'refuse',
          about,
          problem: `${database.file} cannot be written to`,
          hint: `check its mode, attributes and file system: ls -l ${shellWord(database.file)}; lsattr ${shellWord(database.file)}; findmnt -T ${shellWord(database.file)}`,
        },
      ]
    return [
      {
        level: 'refuse',
        about,
        problem: `${identity.name} on ${identity.host} is read-only, like a standby`,
        hint: 'point the target at the primary',
      },
    ]
  },
  run: (look, input) =>
    offeringOlder(
      look,
      input.again,
      async () => input.archive,
      () => fitOf(look, input),
    ),
})

async function fitOf(look: Look, { database, archive, strategy = 'beside' }: Input): Promise<Output> {
  const { subscriptions = [], leftOut = [] } = archive
  if (leftOut.length > 0) look.note(`not restored from the dump: ${leftOut.join(', ')}`)
  if (subscriptions.length > 0)
    look.note(
      `not restored: the subscriptions ${subscriptions.join(', ')}; the restored data would take changes from another server. Create them again by hand if they are needed`,
    )
  const identity = await look.databases.identity(database)
  if (archive.engine !== identity.engine)
    throw unfit(`it is a dump of ${archive.engine}, and the database is ${identity.engine}`)
  if (archive.major !== identity.major) {
    throw unfit(
      `it is a dump of ${archive.engine} ${archive.major}, and the server is ${identity.version}`,
      `restore it into a server of major version ${archive.major}`,
    )
  }
  const { missingRoles, missingExtensions, needsSuperuser } = await look.databases.fit(database, archive)
  if (missingRoles.length > 0)
    throw unfit(`the server lacks the roles ${missingRoles.join(', ')}`, 'create them, then start again')
  if (missingExtensions.length > 0) {
    throw unfit(
      `the server lacks the extensions ${missingExtensions.join(', ')}`,
      'install them on the server, then start again',
    )
  }
  if (needsSuperuser.length > 0 && database.engine === 'postgres')
    throw unfit(
      `${database.user} is not a superuser, and only one can create what it has: ${firstOf(needsSuperuser, mostNamed)}`,
      'set database.user to a superuser, who restores it with limited rights as far as the dump allows',
    )
  const name = strategy === 'beside' ? besideName(database.name, 'rb', look.run.id) : database.name
  const rights = await look.databases.restoreRights(database, archive, name)
  if (rights !== null) look.note(rightsSentence(rights))
  return {
    server: identity.version,
    major: identity.major,
    host: identity.host,
    system: identity.system,
    tools: await look.databases.tools(database),
    rights: rightsInShort(rights),
  }
}

const mostNamed = 5

const unfit = (why: string, hint = 'choose another dump with --dump'): RunbookError =>
  cannot('restore', 'the dump', why, { code: 'verification', hint })
