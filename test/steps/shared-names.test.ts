import { expect, test } from 'vitest'
import { fakeWorld, runningFleet } from '../../src/testing/index.ts'
import { noteSharedNames } from '../../steps/deployment/lib/shared-names.ts'
import { handsOn } from './hands.ts'

const stack = {
  kind: 'compose',
  project: 'shop',
  directory: '/srv',
  files: ['/srv/compose.yml'],
  envFiles: [],
  profiles: [],
  environment: {},
} as const

const notesOn = async (...services: readonly string[]): Promise<readonly string[]> => {
  const fleet = runningFleet({ web: 'shop:latest', jobs: 'shop:latest', once: 'shop:latest', db: 'pg:1' })
  fleet.services.get('once')!.instance = null
  const { look, notes } = handsOn(fakeWorld({ fleet }))
  const images = services.map((service) => ({ environment: { stack, service, canonical: 'shop:latest' } }))
  const choice = { names: [{ reference: 'shop:latest', imageId: 'sha256:good' }] }
  await noteSharedNames(look, { proof: 'image', wanted: { images }, choice } as never)
  return notes
}

test('a service that keeps the image of a name that is moved is named, with the command that recreates it', async () => {
  expect(await notesOn('web')).toEqual([
    expect.stringMatching(
      /^warning: jobs is declared with shop:latest too, .* docker compose --project-name shop --file \/srv\/compose.yml up --detach --no-build jobs$/,
    ),
  ])
  expect(await notesOn('web', 'jobs')).toEqual([])
})
