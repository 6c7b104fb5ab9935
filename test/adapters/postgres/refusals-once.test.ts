import { expect, test } from 'vitest'
import { containerServer } from '../../../src/adapters/postgres/server/container-server.ts'
import { refusalsOnce } from '../../../src/adapters/postgres/server/refusals-once.ts'
import { watchedScope } from '../../fixtures/scope.ts'

const refused = (port: number, start = 'psql: error: ') =>
  `${start}connection to server at "127.0.0.1", port ${port} failed: Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?\n`
const noSocket =
  'psql: error: connection to server on socket "/run/.s.PGSQL.5432" failed: No such file or directory\n\tIs the server running locally and accepting connections on that socket?\n'

const printed = (...chunks: readonly string[]): string => {
  const watched = watchedScope()
  const scope = refusalsOnce(watched)
  for (const chunk of chunks) scope.output(Buffer.from(chunk))
  return watched.text()
}

test('a server that refuses is named once, whichever psql says it', () => {
  expect(
    printed(
      refused(5432),
      refused(5432, 'psql:<stdin>:3: error: \\connect: '),
      refused(5432) + refused(5433),
      noSocket,
      noSocket,
    ),
  ).toBe(
    'no server accepts connections at "127.0.0.1", port 5432 so far\n' +
      'no server accepts connections at "127.0.0.1", port 5433 so far\n' +
      'no server accepts connections at "/run/.s.PGSQL.5432" so far\n',
  )
})

test.each([1, 6, 7, 40])('a line that arrives in pieces of %i characters is recognised', (length) => {
  const text = `${refused(5432)}before ${refused(5432)}${refused(5432)}psql: error: other\n${refused(5433)}`
  const pieces = text.match(new RegExp(`[^]{1,${length}}`, 'g')) ?? []
  expect(printed(...pieces)).toBe(
    'no server accepts connections at "127.0.0.1", port 5432 so far\n' +
      `before ${refused(5432)}` +
      'psql: error: other\n' +
      'no server accepts connections at "127.0.0.1", port 5433 so far\n',
  )
})

test('a line without an end is printed, unless it may become a refusal', () => {
  expect(printed('Password: ')).toBe('Password: ')
  expect(printed('50 %', '\r100 %')).toBe('50 %\r100 %')
  expect(printed('psql: warn', 'ing: x\n')).toBe('psql: warning: x\n')
})

test('everything else is printed as it is, byte for byte', () => {
  const other = 'psql: error: connection to server at "db", port 5432 failed: FATAL:  ünï\n'
  expect(printed(other, other)).toBe(other + other)
  expect(printed(`before\n${refused(5432)}nach dem Gedränge\n`)).toBe(
    'before\nno server accepts connections at "127.0.0.1", port 5432 so far\nnach dem Gedränge\n',
  )
})

test('what is left of the scope is the same', () => {
  const watched = watchedScope()
  expect(refusalsOnce(watched)).toMatchObject({ run: watched.run, step: watched.step })
  expect(refusalsOnce(watched).signal).toBe(watched.signal)
})

test('a throwaway that does not listen yet is not named at all, and what else it prints is', async () => {
  const watched = watchedScope()
  const database = {
    engine: 'postgres',
    name: 'postgres',
    user: 'postgres',
    confirmPhrase: 'none',
    fingerprint: 'rows',
  } as const
  const via = { kind: 'throwaway', container: 'shop-restore-test' } as const
  const server = containerServer(
    { ...database, via },
    via,
    async (_place, _call, scope) => {
      scope.output(Buffer.from(refused(5432)))
      scope.output(Buffer.from('psql: error: FATAL:  ünï\n'))
      return { exitCode: 2, stdout: '', stderrTail: refused(5432), milliseconds: 1 }
    },
    {
      secrets: { reveal: () => Promise.reject(new Error('no secret')) },
      unwrap: () => Promise.reject(new Error('no file')),
    },
  )
  const ended = await server.run({ program: 'psql', args: [], database: 'postgres' }, watched)
  expect(watched.text()).toBe('psql: error: FATAL:  ünï\n')
  expect(ended.stderrTail).toContain('Connection refused')
})
