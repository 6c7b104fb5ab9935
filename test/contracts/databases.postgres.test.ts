import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { requirement, serverFixture, type ServerFixture } from '../fixtures/postgres-server.ts'
import { databasesContract, type DatabaseWorld } from './databases.contract.ts'

describe.skipIf(!requirement())('the driver for PostgreSQL, by host and port', () => {
  let fixture: ServerFixture
  beforeAll(async () => {
    fixture = await serverFixture()
  })
  afterAll(() => fixture?.stop())

  const open = async (): Promise<DatabaseWorld> => {
    const world = await fixture.world()
    return {
      ...world,
      async exported(format) {
        const place = world.place(`exported.${format}`)
        const [program, args] =
          format === 'cluster'
            ? ['pg_dumpall', ['--dbname', fixture.urlOf('postgres')]]
            : ['pg_dump', [`--format=${format}`, fixture.urlOf('shop')]]
        execFileSync(join(fixture.cluster.bin, program), ['--file', place, ...args])
        return place
      },
    }
  }
  databasesContract('postgres by host and port', open, ['custom', 'directory', 'tar', 'plain', 'cluster'])
})
