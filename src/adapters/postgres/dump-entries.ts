import type { Dump } from '../../drivers/databases.ts'
import type { Scope } from '../../drivers/scope.ts'
import { readArchive, type ArchiveEntry } from './archive/table-of-contents.ts'
import { plainEntries } from './plain/read-plain.ts'
import type { Server } from './server/server.ts'

/** What a dump creates, in its order: from its table of contents, or from all of its SQL. */
export const entriesOf = async (server: Server, dump: Dump, scope: Scope): Promise<readonly ArchiveEntry[]> =>
  isScript(dump) ? plainEntries(server, dump, scope) : (await readArchive(server, dump, scope)).entries

/** Whether psql restores it, and not pg_restore. */
export const isScript = ({ format }: Pick<Dump, 'format'>): boolean =>
  format === 'plain' || format === 'cluster'
