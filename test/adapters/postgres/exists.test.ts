import { expect, test } from 'vitest'
import { existsTogether } from '../../../src/adapters/postgres/exists.ts'
import type { Server } from '../../../src/adapters/postgres/server/server.ts'
import { watchedScope } from '../../fixtures/scope.ts'

/** A server with one database, which answers as psql prints it, or not at all. */
function serverWith(name: string): { readonly server: Server; readonly scripts: string[]; broken: boolean } {
  const scripts: string[] = []
  const here = { scripts, broken: false }
  const server = {
    host: 'here',
    database: { engine: 'postgres', name: 'shop', user: 'shop', confirmPhrase: 'shop' },
    script: async ({ sql }: Parameters<Server['script']>[0]) => {
      scripts.push(sql)
      return here.broken
        ? { exitCode: 2, stderrTail: 'psql: error: connection refused', rows: [] }
        : { exitCode: 0, stderrTail: '', rows: sql.includes(`'${name}'`) ? [`"${name}"`] : [] }
    },
  } as unknown as Server
  return Object.assign(here, { server })
}

test('names that are asked for at the same time share one client', async () => {
  const { server, scripts } = serverWith('shop')
  const exists = existsTogether(server, watchedScope())
  expect(await Promise.all(['shop', 'shop__old', 'shop'].map(exists))).toEqual([true, false, true])
  expect(scripts).toHaveLength(1)
  expect(await exists('shop__rb')).toBe(false)
  expect(scripts).toHaveLength(2)
})

test('a failure reaches all who asked, and nobody who asks later', async () => {
  const here = serverWith('shop')
  const exists = existsTogether(here.server, watchedScope())
  here.broken = true
  const asked = await Promise.allSettled(['shop', 'other'].map(exists))
  expect(asked.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  here.broken = false
  expect(await exists('shop')).toBe(true)
})
