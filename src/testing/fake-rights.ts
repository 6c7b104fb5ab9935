import type { Database } from '../drivers/databases.ts'
import type { RestoreRights } from '../drivers/restore-rights.ts'
import type { FakeServer } from './fake-server.ts'

/** Of a role that exists while a copy is restored. */
export const roleOf = (copy: string): string => `${copy}__partial`

/** As a real server: a superuser restores only for a reason. */
export function rightsOn(server: FakeServer, database: Database, name: string): RestoreRights | null {
  if (database.engine === 'sqlite') return null
  const because = [
    ...(database.via.kind === 'throwaway' ? ['the throwaway server is removed'] : []),
    ...(database.restoreAs === 'user' ? ["database.restoreAs is 'user'"] : []),
    ...(name === database.name ? ['a restore in place replaces live objects'] : []),
    ...server.superuserNeeds,
  ]
  const superuser = because.length > 0
  return { role: superuser ? database.user : roleOf(name), server: server.host, superuser, because }
}
