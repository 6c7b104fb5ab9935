import type { Database, Databases } from '../drivers/databases.ts'
import type { FakeServer } from './fake-server.ts'

/** Several in-memory servers behind one port; the database selects the server. */
export function databasesBy(
  serverOf: (database: Database) => FakeServer,
  open: (server: FakeServer) => Databases,
): Databases {
  const opened = new Map<FakeServer, Databases>()
  return new Proxy({} as Databases, {
    get: (_, method) => {
      if (typeof method === 'symbol' || method === 'then') return undefined
      return async (database: Database, ...rest: readonly unknown[]): Promise<unknown> => {
        const server = serverOf(database)
        const databases = opened.get(server) ?? open(server)
        opened.set(server, databases)
        return Reflect.apply(
          Reflect.get(databases, method) as (...args: readonly unknown[]) => unknown,
          databases,
          [database, ...rest],
        )
      }
    },
  })
}
