import { afterAll, beforeAll, describe } from 'vitest'
import { containerFixture, type ContainerFixture } from '../fixtures/postgres-container.ts'
import { docker } from '../fixtures/requirements.ts'
import { databasesContract } from './databases.contract.ts'

describe.skipIf(!docker())('the driver for PostgreSQL, in a container', () => {
  let fixture: ContainerFixture
  beforeAll(async () => {
    fixture = await containerFixture({ keeps: false })
  })
  afterAll(() => fixture?.stop())

  databasesContract('postgres in a container', () => fixture.world())
})
