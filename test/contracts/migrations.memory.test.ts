import { dumpBytes, emptyDisk, fakeServer, lay, noVolumes } from '../../src/testing/index.ts'
import { fakeMigrations } from '../../src/testing/migrations.ts'
import { rc1, rc2 } from '../fixtures/fake-migrations.ts'
import { migrationsContract, status } from './migrations.contract.ts'

migrationsContract('memory', async () => {
  const server = fakeServer({
    api: {
      documents: [{ id: 1, title: 'Tender', status: 'draft' }],
      alembic_version: [{ version_num: status }],
    },
  })
  const disk = emptyDisk()
  const images = new Map([
    ['api:rc1', rc1],
    ['api:rc2', rc2],
  ])
  const stack = {
    kind: 'compose',
    project: 'memory',
    directory: '/',
    files: [],
    envFiles: [],
    profiles: [],
    environment: {},
  } as const
  return {
    tool: { stack, service: 'api', image: null, command: ['alembic'], copy: null },
    older: 'api:rc1',
    newer: 'api:rc2',
    migrations: () =>
      fakeMigrations({
        migrations: { images, database: 'api' },
        server,
        disk,
        volumes: noVolumes(),
        imageOf: () => 'api:rc2',
      }),
    level: async () => String(server.databases.get('api')?.tables['alembic_version']?.[0]?.['version_num']),
    oneOffs: async () => 0,
    async copied() {
      lay(
        disk,
        '/copies/api.db',
        dumpBytes({
          engine: 'sqlite',
          major: 3,
          database: null,
          takenAt: null,
          tables: server.databases.get('api')?.tables ?? {},
          roles: [],
          extensions: [],
        }),
      )
      return {
        copy: { folder: '/copies', file: 'api.db', at: '/data' },
        level: async () =>
          /"version_num":"(\w+)"/.exec(Buffer.from(disk.files.get('/copies/api.db') ?? []).toString())?.[1] ??
          '',
      }
    },
    close: async () => undefined,
  }
})
