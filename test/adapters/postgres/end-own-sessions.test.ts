import { expect, test } from 'vitest'
import { NothingAsked } from '../../../src/adapters/process/conversation.ts'
import { endOwnSessionsOnAbort } from '../../../src/adapters/postgres/server/end-own-sessions.ts'
import type { ClientCall, Server } from '../../../src/adapters/postgres/server/server.ts'
import { fakeClock } from '../../../src/testing/index.ts'
import { watchedScope } from '../../fixtures/scope.ts'

/** A program that ends when it is aborted; what is asked of the server afterwards. */
async function abortedBy(reason: Error) {
  const stop = new AbortController()
  const asked: string[] = []
  const server = {
    database: { user: 'postgres', name: 'shop' },
    host: 'pretended',
    run: async () => {
      stop.abort(reason)
      throw reason
    },
    script: async ({ sql }: { readonly sql: string }) => {
      asked.push(sql)
      return { exitCode: 0, stderrTail: '', rows: [] }
    },
  } as unknown as Server
  const call: ClientCall = { program: 'psql', args: [], database: 'shop' }
  const scope = watchedScope({ signal: stop.signal })
  await expect(endOwnSessionsOnAbort(server, fakeClock()).run(call, scope)).rejects.toBe(reason)
  return asked
}

test('a call that is aborted ends its session, whose statement may go on', async () => {
  const asked = await abortedBy(new Error('it took too long'))
  expect(asked.join()).toContain('pg_terminate_backend')
})

test('a kept program that was asked nothing ends no session: others of its name may be at work', async () => {
  expect(await abortedBy(new NothingAsked('it does not exit'))).toEqual([])
})
