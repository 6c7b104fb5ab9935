import { afterAll, beforeAll, describe } from 'vitest'
import { requirement, serverFixture, type ServerFixture } from '../fixtures/postgres-server.ts'
import { databasesContract } from './databases.contract.ts'

describe.skipIf(!requirement())('the driver for PostgreSQL, by host and port', () => {
  let fixture: ServerFixture
  beforeAll(async () => {
    fixture = await serverFixture()
  })
  afterAll(() => fixture?.stop())

  databasesContract('postgres by host and port', () => fixture.world())
})
