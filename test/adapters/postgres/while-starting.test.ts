import { Readable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { whileStarting } from '../../../src/adapters/postgres/server/while-starting.ts'
import { initializing } from '../../../src/adapters/postgres/server/first-start.ts'
import type { Server } from '../../../src/adapters/postgres/server/server.ts'
import type { Ended } from '../../../src/adapters/process/call.ts'
import { fakeClock } from '../../../src/testing/index.ts'
import { watchedScope } from '../../fixtures/scope.ts'

const ended = (exitCode: number, stderrTail = ''): Ended => ({
  exitCode,
  stdout: '',
  stderrTail,
  milliseconds: 1,
})
const socket = 'connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed'
const replaying = `psql: error: ${socket}: FATAL:  the database system is not yet accepting connections\nDETAIL:  Consistent recovery state has not been yet reached.\n`

/** Answers in turn; the last answer is repeated. */
function serverThat(...answers: readonly Ended[]) {
  let calls = 0
  const next = (): Ended => answers[Math.min(calls++, answers.length - 1)] ?? ended(0)
  const clock = fakeClock()
  const server = whileStarting(
    { run: async () => next(), script: async () => ({ ...next(), rows: [] }) } as unknown as Server,
    clock,
  )
  return { server, clock, calls: () => calls }
}
const script = { database: 'shop', sql: 'SELECT 1' }

describe('a server that starts', () => {
  test.each([
    ['replays its log', replaying],
    ['starts', `psql: error: ${socket}: FATAL:  the database system is starting up\n`],
    ['starts, to an old psql', 'psql: error: FATAL:  the database system is starting up\n'],
    ['recovers from a crash', `pg_dump: error: ${socket}: FATAL:  the database system is in recovery mode\n`],
  ])('and %s is waited for, which is reported once', async (_, message) => {
    const { server, calls } = serverThat(ended(2, message), ended(2, message), ended(0))
    const scope = watchedScope()
    expect(await server.script(script, scope)).toMatchObject({ exitCode: 0 })
    expect(calls()).toBe(3)
    expect(scope.text()).toBe('waiting until the server accepts connections\n')
  })

  test.each([
    [
      'its socket is gone',
      `psql: error: ${socket}: No such file or directory\n\tIs the server running locally?\n`,
    ],
    [
      'its port is closed',
      'psql: error: connection to server at "127.0.0.1", port 5432 failed: Connection refused\n',
    ],
  ])('is waited for over the gap between the temporary and the real one: %s', async (_, gap) => {
    const { server, calls } = serverThat(ended(2, initializing), ended(2, gap), ended(2, gap), ended(0))
    expect(await server.script(script, watchedScope())).toMatchObject({ exitCode: 0 })
    expect(calls()).toBe(4)
    // A server that was never seen to start is down.
    const down = serverThat(ended(2, gap), ended(0))
    expect(await down.server.script(script, watchedScope())).toMatchObject({ exitCode: 2 })
    expect(down.calls()).toBe(1)
    const gone = serverThat(ended(2, initializing), ended(2, gap))
    const began = gone.clock.monotonic()
    expect(await gone.server.script(script, watchedScope())).toMatchObject({ exitCode: 2 })
    expect(gone.clock.monotonic() - began).toBe(30_000)
  })

  test('is not waited for without end', async () => {
    const { server, clock } = serverThat(ended(2, replaying))
    const began = clock.monotonic()
    expect(await server.script(script, watchedScope())).toMatchObject({ exitCode: 2 })
    expect(clock.monotonic() - began).toBe(300_000)
  })

  test.each([
    [
      'refuses for good',
      `psql: error: ${socket}: FATAL:  the database system is not accepting connections\n`,
    ],
    ['ended a session', 'psql:<stdin>:3: error: \\connect: FATAL:  the database system is starting up\n'],
    ['reports another error', 'ERROR:  42P01: relation "x" does not exist\n'],
  ])('is not waited for where it %s', async (_, message) => {
    const { server, calls } = serverThat(ended(2, message), ended(0))
    expect(await server.script(script, watchedScope())).toMatchObject({ exitCode: 2 })
    expect(calls()).toBe(1)
  })

  test('gets no stream twice', async () => {
    const { server, calls } = serverThat(ended(1, replaying), ended(0))
    const call = { program: 'pg_restore', args: [], database: 'shop', stdin: Readable.from([]) } as const
    expect(await server.run(call, watchedScope())).toMatchObject({ exitCode: 1 })
    expect(calls()).toBe(1)
    expect(await server.run({ ...call, stdin: 'SELECT 1' }, watchedScope())).toMatchObject({ exitCode: 0 })
  })
})
