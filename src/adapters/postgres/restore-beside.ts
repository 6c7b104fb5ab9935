import type { Copy, Dump } from '../../drivers/databases.ts'
import type { RestoreRights } from '../../drivers/restore-rights.ts'
import type { Scope } from '../../drivers/scope.ts'
import { createsPublic } from './archive/contents.ts'
import { entriesOf, isScript } from './dump-entries.ts'
import { drop, dropAfter, mustNotBeLive } from './drop.ts'
import { createLike } from './create-like.ts'
import { restoreLimited } from './limited/restore-limited.ts'
import { restoreRights } from './limited/restore-rights.ts'
import { isSuperuser, ownershipArguments } from './ownership.ts'
import { maintenance, records } from './server/psql.ts'
import { identifier } from './server/quote.ts'
import { mustAcceptDump, restoreInto } from './restore-into.ts'
import { restorePlain } from './plain/restore-plain.ts'
import type { Server } from './server/server.ts'
import { partialName } from './partial-name.ts'

/**
 * A dump contains no planner statistics; without ANALYZE the first queries after a swap may use plans that
 * are slower by orders of magnitude.
 */
const analyze = 'ANALYZE;\n'
const size = 'SELECT to_json(pg_catalog.pg_database_size(pg_catalog.current_database()));'

/**
 * Restores under a partial name, so an incomplete copy is never taken for a complete one.
 * @param rights those that the operator was shown; omitted, those that the dump needs
 */
export async function restoreBeside(
  server: Server,
  dump: Dump,
  name: string,
  scope: Scope,
  rights?: RestoreRights | null,
): Promise<Copy> {
  mustNotBeLive(server, name)
  const partial = partialName(name)
  await mustAcceptDump(server, dump, scope)
  const { role } = rights ?? (await restoreRights(server, dump, name, scope))
  await drop(server, name, scope)
  try {
    const owner = await createLike(server, partial, scope)
    const entries = await entriesOf(server, dump, scope)
    if (createsPublic(entries))
      // That of the new database is empty, and the dump brings its own.
      await records(
        server,
        { database: partial, doing: `drop the empty schema of ${partial}`, script: 'DROP SCHEMA public;' },
        scope,
      )
    const limited = role === partial
    if (limited) await restoreLimited(server, partial, { dump, entries }, scope)
    else if (isScript(dump)) {
      const superuser = await isSuperuser(server, scope)
      const whose = superuser ? { owners: true } : { owners: false, role: owner }
      await restorePlain(server, partial, dump, { ...whose, without: new Set() }, scope)
    } else {
      const options = ownershipArguments(await isSuperuser(server, scope), owner)
      await restoreInto(server, partial, dump, { options }, scope)
    }
    const [bytes] = await records(
      server,
      { database: partial, doing: `analyze database ${partial}`, script: limited ? size : analyze + size },
      scope,
    )
    const script = `ALTER DATABASE ${identifier(partial)} RENAME TO ${identifier(name)};`
    await records(
      server,
      { database: maintenance(server), doing: `rename ${partial} to ${name}`, script },
      scope,
    )
    return { name, bytes: Number(bytes) }
  } catch (thrown) {
    await dropAfter(thrown, server, name, scope)
    throw thrown
  }
}
