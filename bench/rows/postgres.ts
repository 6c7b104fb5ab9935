import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execAtDatabase } from '../../src/adapters/docker/exec.ts'
import { postgresDatabases } from '../../src/adapters/postgres/databases.ts'
import { shell } from '../../src/adapters/process/shell.ts'
import type { ThrowawayDatabase } from '../../src/drivers/databases.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { Secret } from '../../src/kernel/secret.ts'
import { databaseSize, docker, ordersTable, postgresImage as image, psql, untilReady } from '../docker.ts'
import { runbookIn, timed } from '../project.ts'
import { millisecondsOf, type Row } from '../row.ts'
import { quietScope } from '../scope.ts'

const config = `import { defineConfig } from 'runbook'

export default defineConfig({
  artifacts: './artifacts',
  state: './state',
  defaultTarget: 'shop',
  targets: {
    shop: {
      stack: { kind: 'compose', project: 'runbook-bench-none', files: ['compose.yml'] },
      database: { engine: 'postgres', service: 'db', name: 'shop', user: 'postgres' },
      backups: { directory: './backups', pattern: 'shop_{time}.dump', maxAge: '9999d', checksums: 'if-present' },
      assertions: [{ name: 'orders', sql: 'SELECT count(*) FROM orders', atLeast: 1 }],
      restoreTest: { image: '${image}' },
    },
  },
})
`

/** A dump that is read back; and a dump that is restored in a server that is removed afterwards. */
export const postgres: Row = {
  name: 'postgres',
  title: 'Dumping a Postgres database, and testing the restore',
  unit: 'ms',
  async prepare({ folder, quick }) {
    const rows = quick ? 200_000 : 8_000_000
    const container = `runbook-bench-${process.pid}`
    const started = [
      'run --detach --rm --network none --env POSTGRES_PASSWORD=bench --name',
      container,
      '--shm-size 1g',
      image,
    ]
    docker(...started.join(' ').split(' '))
    const close = (): void => void docker('rm', '--force', '--volumes', container)
    await untilReady(container)
    psql(container, 'postgres', 'CREATE DATABASE shop')
    psql(container, 'shop', ordersTable(rows))
    const backups = join(folder, 'backups')
    mkdirSync(backups, { mode: 0o700 })
    writeFileSync(join(folder, 'runbook.config.ts'), config, { mode: 0o600 })
    writeFileSync(join(folder, 'compose.yml'), `services: { db: { image: '${image}' } }\n`, { mode: 0o600 })
    const database: ThrowawayDatabase = {
      engine: 'postgres',
      name: 'shop',
      user: 'postgres',
      via: { kind: 'throwaway', container },
      confirmPhrase: 'none',
      fingerprint: 'rows',
    }
    const databases = postgresDatabases({
      shell,
      execIn: execAtDatabase,
      secrets: { reveal: async () => new Secret('NONE', ''), available: async () => true },
      scope: quietScope(),
      clock: systemClock,
    })
    const script = (text: string) => () => timed('sh', ['-ec', text], folder)
    const dumped = (options: string) =>
      script(`docker exec ${container} pg_dump -U postgres ${options} shop >rival.dump`)
    const kept = join(backups, 'shop_20260101T000000Z.dump')
    await dumped('-Fc')()
    await timed('cp', [join(folder, 'rival.dump'), kept], folder)
    return {
      rounds: quick ? 2 : 5,
      size: `${rows.toLocaleString('en')} rows, ${databaseSize(container, 'shop')}`,
      close,
      contestants: [
        { name: '`pg_dump -Fc`', once: dumped('-Fc') },
        { name: '`pg_dump -Fc -Z zstd:1`', once: dumped('-Fc -Z zstd:1') },
        {
          name: 'dumped, and read back',
          once: () => {
            const to = join(folder, 'own.dump')
            rmSync(to, { force: true })
            return millisecondsOf(() => databases.dump(database, 'shop', to))
          },
        },
        { name: 'a new container, `pg_restore`, one count', once: script(byHand(container, kept)) },
        { name: '`restore-test`', once: () => runbookIn(folder, 'run', 'restore-test') },
      ],
    }
  },
}

const byHand = (container: string, dump: string): string => `
  docker run --detach --rm --network none --env POSTGRES_PASSWORD=bench --name ${container}-test ${image} >/dev/null
  trap 'docker rm --force --volumes ${container}-test >/dev/null' EXIT
  until docker exec ${container}-test pg_isready -q -h 127.0.0.1; do sleep 0.3; done
  docker exec -i ${container}-test pg_restore -U postgres -C -d postgres <'${dump}'
  docker exec ${container}-test psql -qtU postgres -d shop -c 'SELECT count(*) FROM orders' >/dev/null`
