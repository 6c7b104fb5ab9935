import type { Database, Databases } from '../../src/drivers/databases.ts'
import type { ProvenCopy } from '../../steps/index.ts'

/** A copy as `assertCopy` leaves it: closed, where there is a server, and known by its version. */
export async function provenCopyOf(
  databases: Databases,
  database: Database,
  name: string,
  tables: ProvenCopy['tables'] = [],
): Promise<ProvenCopy> {
  const { instance } = await databases.identity(database, name)
  const { version } = await databases.readExclusively(database, name, async () => null)
  return { name, tables, revision: null, answers: [], unchanged: { instance, version } }
}
