import { once } from 'node:events'
import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openContextsafe, type ContextsafeStack } from '../fixtures/contextsafe-stack.ts'
import { eventually } from '../fixtures/eventually.ts'
import { docker } from '../fixtures/requirements.ts'
import { openShop, type Shop } from '../fixtures/shop.ts'

/** What the program said, which must have ended well: a look is no judgement. */
const said = ({
  code,
  stdout,
  stderr,
}: {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}): string => {
  expect(code, stdout + stderr).toBe(0)
  return (stdout + stderr).replaceAll(/\s+/g, ' ')
}

describe.skipIf(!docker())('diagnose on Compose and Postgres', () => {
  let shop: Shop
  beforeAll(async () => {
    shop = await openShop({ healthEvery: '1s' })
  }, 120_000)
  afterAll(() => shop?.[Symbol.asyncDispose]())

  const containers = async (): Promise<string> =>
    (
      await execa('docker', [
        'ps',
        '--all',
        '--no-trunc',
        '--filter',
        `label=com.docker.compose.project=${shop.stack.project}`,
        '--format',
        '{{.ID}} {{.State}} {{.Image}}',
      ])
    ).stdout

  it('tells each of many troubles with its cause and what to type, and touches nothing', async () => {
    const dump = await shop.dump(new Date(Date.now() - 3_600_000))
    await writeFile(dump, (await readFile(dump)).subarray(0, -9))
    await shop.damage()
    await shop.stack.sql("alter role brace_user password 'another'")
    // Connections that are open go on; new ones are refused.
    await shop.stack.sql(
      "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'brace_user'",
    )
    const scheduler = String(await shop.stack.containerId('scheduler'))
    await execa('docker', ['update', '--restart', 'no', scheduler])
    await execa('docker', ['kill', scheduler]).catch(() => undefined)
    const backend = String(await shop.stack.containerId('backend'))
    const told = async (): Promise<string> =>
      (await execa('docker', ['logs', String(await shop.stack.containerId('db'))], { all: true })).all
    await eventually(
      async () => (await told()).includes('password authentication failed'),
      'the database refuses the application',
    )
    // What restarts by itself must not be taken for a change of ours.
    for (const id of [backend, String(await shop.stack.containerId('admin-bot'))]) {
      await execa('docker', ['update', '--restart', 'no', id])
      await execa('docker', ['stop', '--time', '1', id])
    }
    const before = [await containers(), await shop.data()]
    const text = said(await shop.type(['run', 'diagnose']))
    expect([await containers(), await shop.data()]).toEqual(before)

    expect(text).toMatch(/auth-refused: .*the log of db says "password authentication failed"/)
    expect(text).toMatch(/data-wrong: assertion "no total is negative" failed: found \d+/)
    expect(text).toContain('next: runbook run full-db-rollback --target brace --bad-since WHEN --dry-run')
    expect(text).toMatch(/service-stopped: .*scheduler is stopped/)
    expect(text).toMatch(/checksum-mismatch: .*brace_/)
    expect(text).toContain('no-way-back: ')
    expect(text).not.toContain('brace-test-only')
  }, 120_000)

  it('goes on where the database is down, and tells only of the symptom that was named', async () => {
    await shop.stack.compose('stop', '--timeout', '1', 'db')
    const text = said(await shop.type(['run', 'diagnose', '--symptom', 'health']))
    expect(text).toContain('database-away: ')
    expect(text).toContain('port-taken: not observed')
    expect(text).not.toContain('checksum-mismatch')
  }, 60_000)
})

describe.skipIf(!docker())('diagnose on Compose and a volume', () => {
  let stack: ContextsafeStack
  beforeAll(async () => {
    stack = await openContextsafe()
    await stack.backup(3)
    await eventually(
      () =>
        stack.total().then(
          (total) => total === 7,
          () => false,
        ),
      'the application answers',
    )
  }, 120_000)
  afterAll(() => stack?.[Symbol.asyncDispose]())

  it('sees data that is not theirs, a folder and a model that are missing, whom to call, and what to type', async () => {
    await execa('docker', [
      'exec',
      await stack.container(),
      'sh',
      '-c',
      'chmod 644 /app/data/contextsafe.db; chown 0:0 /app/data/contextsafe.db',
    ])
    await appendFile(join(stack.folder, '.env.production'), 'LLM_MODEL_PATH=/app/models/model.gguf\n')
    const text = said(await stack.type(['run', 'diagnose']))
    expect(text).toContain(
      'permissions-wrong: /app/data/contextsafe.db of api has mode and owner 0644 0:0, expected 0600 1000:1000',
    )
    expect(text).toContain('volume-missing: /app/data/documents of api not found')
    expect(text).toContain(
      'model-missing: LLM_MODEL_PATH is /app/models/model.gguf, which does not exist in api',
    )
    expect(text).toContain('next: runbook run config-rollback --target contextsafe --dry-run')
    expect(text).toContain('if that does not help, step 4: Data is lost: call the database admin.')
    expect(text).not.toContain('deploy-failed')
  }, 60_000)

  it('sees who holds the port of an application that is down, and that a container is gone', async () => {
    await stack.compose('down', '--timeout', '1')
    const stranger = createServer((_, answer) => answer.end('hello')).listen(
      Number(new URL(stack.url).port),
      '127.0.0.1',
    )
    await once(stranger, 'listening')
    try {
      const text = said(await stack.type(['run', 'diagnose']))
      expect(text).toMatch(/port-taken: http:\S+ answers 200, though no service runs/)
      expect(text).toMatch(/deploy-failed: .*api is missing/)
      expect(text).toContain('next: runbook run container-rollback --target contextsafe --dry-run')
    } finally {
      stranger.close()
      stranger.closeAllConnections()
    }
  }, 60_000)
})
