import Database from 'better-sqlite3'
import { execa } from 'execa'
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe } from 'vitest'
import { composeMigrations } from '../../src/adapters/docker/migrations.ts'
import { busyboxStack, testLabel } from '../fixtures/busybox-stack.ts'
import { docker } from '../fixtures/requirements.ts'
import { migrationsContract, status, type MigrationsWorld } from './migrations.contract.ts'

const older = 'runbook-test/api:2025-12-15-rc1'
const newer = 'runbook-test/api:2025-12-20-rc2'

const api = (url: string, more = ''): string => `
  api:
    image: ${newer}
    ${testLabel}
    environment: { DATABASE_URL: "${url}" }
    ${more}`

const postgres = `services:${api('postgresql://postgres:x@db:5432/api')}
  db:
    image: runbook-test/postgres:17
    ${testLabel}
    environment: { POSTGRES_PASSWORD: x, POSTGRES_DB: api }
    healthcheck:
      # Once healthy, each check takes long: it costs more than all that happens meanwhile.
      test: ["CMD-SHELL", "pg_isready -q -h 127.0.0.1 || exit; [ ! -e /dev/shm/healthy ] || exec sleep 20; touch /dev/shm/healthy"]
      interval: 500ms
      timeout: 30s
      retries: 120
`

const sqlite = (
  folder: string,
): string => `services:${api('sqlite:////data/api.db', `user: "0:0"\n    volumes: ["${folder}:/data"]`)}
`

async function world(
  services: (folder: string) => string,
  start: readonly string[],
  level: readonly string[] | null,
): Promise<MigrationsWorld> {
  const { stack, write, ids, close } = await busyboxStack(services(''))
  await write(services(stack.directory))
  const compose = (...args: readonly string[]) =>
    execa('docker', ['compose', '--project-name', stack.project, '--file', stack.files[0] ?? '', ...args], {
      stdin: 'ignore',
    })
  if (start.length > 0) await compose('up', '--detach', '--wait', ...start)
  await compose('run', '--rm', '--no-TTY', 'api', 'alembic', 'upgrade', status)
  return {
    tool: { stack, service: 'api', image: null, command: ['alembic'], copy: null },
    older,
    newer,
    migrations: (scope) => composeMigrations({ scope }),
    level: async () =>
      level === null ? levelIn(join(stack.directory, 'api.db')) : (await compose(...level)).stdout.trim(),
    async copied() {
      if (level !== null) return null
      const folder = join(stack.directory, 'copy')
      await mkdir(folder)
      await copyFile(join(stack.directory, 'api.db'), join(folder, 'api.db'))
      return {
        copy: { folder, file: 'api.db', at: '/data' },
        level: async () => levelIn(join(folder, 'api.db')),
      }
    },
    oneOffs: async () => (await ids('com.docker.compose.oneoff=True')).length,
    close,
  }
}

function levelIn(file: string): string {
  const database = new Database(file, { readonly: true })
  try {
    return database.prepare<[], string>('select version_num from alembic_version').pluck().get() ?? ''
  } finally {
    database.close()
  }
}

describe.skipIf(!docker())('with Docker', () => {
  migrationsContract('alembic on Postgres', () =>
    world(
      () => postgres,
      ['db'],
      [
        'exec',
        '--no-TTY',
        'db',
        'psql',
        '-U',
        'postgres',
        '-d',
        'api',
        '-Atc',
        'select version_num from alembic_version',
      ],
    ),
  )
  migrationsContract('alembic on SQLite', () => world(sqlite, [], null))
})
