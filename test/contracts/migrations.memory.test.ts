import { fakeServer } from '../../src/testing/index.ts'
import { memoryMigrations } from '../../src/testing/migrations.ts'
import { rc1, rc2 } from '../fixtures/pretended-migrations.ts'
import { migrationsContract, status } from './migrations.contract.ts'

migrationsContract('memory', async () => {
  const server = fakeServer({ api: { documents: [{ id: 1, title: 'Tender', status: 'draft' }], alembic_version: [{ version_num: status }] } })
  const images = new Map([['api:rc1', rc1], ['api:rc2', rc2]])
  const stack = { kind: 'compose', project: 'memory', directory: '/', files: [], envFiles: [], profiles: [], environment: {} } as const
  return {
    tool: { stack, service: 'api', image: null, command: ['alembic'] },
    older: 'api:rc1',
    newer: 'api:rc2',
    migrations: () => memoryMigrations({ migrations: { images, database: 'api' }, server, imageOf: () => 'api:rc2' }),
    level: async () => String(server.databases.get('api')?.tables['alembic_version']?.[0]?.['version_num']),
    oneOffs: async () => 0,
    close: async () => undefined,
  }
})
