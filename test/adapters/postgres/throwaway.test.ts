import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Dump, ThrowawayDatabase } from '../../../src/drivers/databases.ts'
import { restoreInto } from '../../../src/adapters/postgres/restore-into.ts'
import { containerServer } from '../../../src/adapters/postgres/server/container-server.ts'
import { keptPsql } from '../../../src/adapters/postgres/server/kept-psql.ts'
import { maintenance, records } from '../../../src/adapters/postgres/server/psql.ts'
import type { Server } from '../../../src/adapters/postgres/server/server.ts'
import { KeptPrograms } from '../../../src/adapters/process/kept-programs.ts'
import { shell } from '../../../src/adapters/process/shell.ts'
import { unwrapWith } from '../../../src/adapters/unwrap/unwrap.ts'
import { systemClock } from '../../../src/kernel/clock.ts'
import { memoryFolder } from '../../fixtures/memory-folder.ts'
import { watchedScope } from '../../fixtures/scope.ts'

const database: ThrowawayDatabase = {
  engine: 'postgres',
  name: 'postgres',
  user: 'postgres',
  via: { kind: 'throwaway', container: 'here' },
  confirmPhrase: 'none',
  fingerprint: 'rows',
}

const secrets = { reveal: () => Promise.reject(new Error('no secret is needed')) }

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(memoryFolder, 'throwaway-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const log = (): readonly string[] => readFileSync(join(folder, 'log'), 'utf8').trim().split('\n')

function program(name: string, script: string): void {
  const file = join(folder, name)
  writeFileSync(file, `#!/bin/sh\necho ${name} >>${folder}/log\n${script}\n`)
  chmodSync(file, 0o755)
}

/** A container that is this machine, with these programs. */
const serverHere = (): Server =>
  containerServer(
    database,
    database.via,
    (_, { user: _user, env, argv, ...call }, scope) =>
      shell.run(
        {
          ...call,
          argv: ['sh', '-c', 'exec "$0" "$@"', ...argv],
          env: { ...env, PATH: `${folder}:${process.env['PATH'] ?? ''}` },
        },
        scope,
      ),
    {
      secrets,
      unwrap: unwrapWith({ shell, secrets }),
    },
  )

/** Answers each `SELECT 'JSON';` with the JSON. */
const answering = `while IFS= read -r line; do
  case "$line" in "SELECT '"*) json=\${line#"SELECT '"}; printf '%s\\0' "\${json%"';"}";; esac
done`

test('the steps on a throwaway share one psql', async () => {
  program('pg_isready', 'exit 0')
  program('psql', answering)
  const programs = new KeptPrograms()
  try {
    for (const step of ['first', 'second']) {
      const attempt = new AbortController()
      const scope = watchedScope({ step, signal: attempt.signal })
      const own = serverHere()
      const server = { ...own, script: keptPsql(own, scope, systemClock, programs) }
      for (const answer of [1, 2])
        expect(
          await records(
            server,
            { database: maintenance(server), doing: 'ask', script: `SELECT '${answer}';` },
            scope,
          ),
        ).toEqual([answer])
      attempt.abort()
    }
  } finally {
    await programs.end()
  }
  expect(log()).toEqual(['pg_isready', 'psql'])
})

test('it waits in the container until the server accepts connections', async () => {
  program('pg_isready', `[ "$(grep -c pg_isready ${folder}/log)" -ge 3 ] || exit 2`)
  program('psql', answering)
  const script = "SELECT '3';\n"
  const ended = await serverHere().script({ database: 'postgres', sql: script }, watchedScope())
  expect(ended).toMatchObject({ exitCode: 0, rows: ['3'] })
  expect(log()).toEqual(['pg_isready', 'pg_isready', 'pg_isready', 'psql'])
})

test('it does not wait for a program that the image lacks', async () => {
  program('pg_isready', 'exit 127')
  program('psql', 'exit 2')
  const ended = await serverHere().script({ database: 'postgres', sql: '' }, watchedScope())
  expect(ended.exitCode).toBe(2)
  expect(log()).toEqual(['pg_isready', 'psql'])
})

describe('a large dump', () => {
  const dumpOf = (bytes: number): Dump => {
    const file = join(folder, 'large.dump')
    const content = Buffer.concat([Buffer.from('PGDMP'), Buffer.alloc(bytes - 5, 7)])
    writeFileSync(file, content)
    const sha256 = createHash('sha256').update(content).digest('hex')
    const facts = {
      engine: 'postgres',
      format: 'custom',
      major: 17,
      database: 'shop',
      takenAt: '2026-01-01T00:00:00Z',
    } as const
    return { ...facts, file, bytes, sha256, provesItself: true, tables: [] }
  }
  const large = 33 * 1024 * 1024
  const restore = (dump: Dump) => restoreInto(serverHere(), 'copy', dump, { options: [] }, watchedScope())

  beforeEach(() => {
    vi.stubEnv('TMPDIR', folder)
    program(
      'pg_restore',
      `echo "$@" >>${folder}/log; for last do :; done; [ -f "$last" ] && cmp ${folder}/large.dump "$last"`,
    )
  })
  afterEach(() => vi.unstubAllEnvs())

  test('is restored by several jobs, from a copy in the throwaway', async () => {
    await restore(dumpOf(large))
    expect(log().at(-1)).toMatch(/ --jobs=\d+ \S+\/runbook-restore\.dump$/)
    expect(log().join()).not.toContain('--single-transaction')
  })

  test('is not restored where it is no longer the one that was inspected', async () => {
    const dump = { ...dumpOf(large), sha256: '0'.repeat(64) }
    await expect(restore(dump)).rejects.toMatchObject({ code: 'verification' })
    expect(existsSync(join(folder, 'log'))).toBe(false)
  })

  test.each([
    ['a small one', (): Dump => dumpOf(1024 * 1024)],
    ['one of a version whose jobs may not find their data', (): Dump => ({ ...dumpOf(large), major: 12 })],
    ['a folder', (): Dump => ({ ...dumpOf(large), format: 'directory' })],
  ])('%s is restored from a stream, in one transaction', async (_, dump) => {
    program('pg_restore', `echo "$@" >>${folder}/log; cat >/dev/null`)
    await restore(dump())
    expect(log().at(-1)).toContain('--single-transaction')
  })
})
