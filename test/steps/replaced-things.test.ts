import { describe, expect, it } from 'vitest'
import auth from '../../runbooks/auth-rollback.ts'
import config from '../../runbooks/config-rollback.ts'
import container from '../../runbooks/container-rollback.ts'
import drill from '../../runbooks/quarterly-full-drill.ts'
import rapid from '../../runbooks/rapid-rollback.ts'
import sqlite from '../../runbooks/sqlite-restore.ts'
import stackRollback from '../../runbooks/stack-rollback.ts'
import version from '../../runbooks/version-rollback.ts'
import type { Runbook } from '../../src/model/runbook.ts'
import type { Target } from '../../src/model/target.ts'
import { fakeImage, fakeMachine, Killed, lay, layInVolume, type FakeWorld } from '../../src/testing/index.ts'
import { writeInVolume } from '../../src/testing/volumes.ts'
import { braceAccess, edited, files, settings } from './fake-access.ts'
import { api, servingApi, envFile as apiEnv } from './fake-api.ts'
import { badlyDeployed, badlyLinked, badlyPinned, braceShop, linkedShop, pinnedShop } from './fake-brace.ts'
import { codexTarget, deployed } from './fake-codex.ts'
import { contextsafeWorld, file as composeFile, target as contextsafe } from './fake-contextsafe.ts'
import { codexDrill, drilled, live, root } from './fake-drill.ts'
import * as releases from './fake-releases.ts'
import * as volume from './fake-volume.ts'

type Case = {
  readonly book: Runbook
  readonly target: Target
  readonly params: Parameters<ReturnType<typeof fakeMachine>['run']>[0]
  readonly world: () => FakeWorld
  /** The step before which the process dies. */
  readonly at: string
  readonly meddle: (world: FakeWorld) => void
  readonly message: RegExp
  /** What somebody else put there. */
  readonly theirs: (world: FakeWorld) => unknown
}

const another = `sha256:${'e9'.repeat(32)}`

function retag({ images }: FakeWorld, name: string): void {
  for (const image of images.images.values()) image.tags = image.tags.filter((tag) => tag !== name)
  images.images.set(another, fakeImage(name))
}

const text = ({ disk }: FakeWorld, path: string) => Buffer.from(disk.files.get(path) ?? []).toString()

const editFile =
  (path: string, from: string | RegExp, to: string) =>
  (world: FakeWorld): void =>
    lay(world.disk, path, text(world, path).replace(from, to))

const releaseOf = (world: FakeWorld): unknown => [...world.images.images].filter(([id]) => id === another)

function healthyVolume(): FakeWorld {
  const world = volume.world('plain')
  for (const ending of ['', '-wal', '-shm']) world.volumes.get('api')?.delete(`${volume.file}${ending}`)
  layInVolume(world.volumes, 'api', volume.file, volume.good)
  return world
}

const cases: { readonly [name: string]: Case } = {
  'an image name, rapid-rollback': {
    book: rapid,
    target: braceShop,
    params: { to: '1.4' },
    world: badlyDeployed,
    at: 'let-the-stack-mean-that-release',
    meddle: (world) => retag(world, 'brace/backend:latest'),
    message: /^cannot retag brace\/backend:latest: since this run looked at it, somebody else replaced it/,
    theirs: releaseOf,
  },
  'an image name, stack-rollback': {
    book: stackRollback,
    target: codexTarget,
    params: { env: 'prod' },
    world: deployed,
    at: 'retag-the-canonical-tags',
    meddle: (world) => retag(world, 'codex-completions-api:latest'),
    message: /^cannot retag codex-completions-api:latest: since/,
    theirs: releaseOf,
  },
  'a tag in the env file, rapid-rollback': {
    book: rapid,
    target: pinnedShop,
    params: { to: '1.4' },
    world: badlyPinned,
    at: 'pick-that-release-in-the-env-file',
    meddle: editFile('/srv/brace/infra/.env', 'IMAGE_TAG=1.5', 'IMAGE_TAG=1.6'),
    message: /^cannot replace IMAGE_TAG in \/srv\/brace\/infra\/\.env: since/,
    theirs: (world) => text(world, '/srv/brace/infra/.env'),
  },
  'a tag in the env file, version-rollback': {
    book: version,
    target: releases.api,
    params: {},
    world: releases.badApi,
    at: 'pin-the-version',
    meddle: editFile(releases.envFile, /IMAGE_TAG=.*/, 'IMAGE_TAG=hotfix-1'),
    message: /^cannot replace IMAGE_TAG in .*: since/,
    theirs: (world) => text(world, releases.envFile),
  },
  'the image line of a Compose file': {
    book: container,
    target: contextsafe,
    params: {},
    world: contextsafeWorld,
    at: 'update-the-image-version-in-the-compose-file',
    meddle: editFile(composeFile, '0.1.0-abc1234', '0.1.1-fed4321'),
    message: /^cannot replace image of api in .*: since/,
    theirs: (world) => text(world, composeFile),
  },
  'the link to a release': {
    book: rapid,
    target: linkedShop,
    params: { to: '2026-02-01' },
    world: badlyLinked,
    at: 'let-the-link-lead-to-that-release',
    meddle: ({ disk }) => void disk.links.set('/srv/brace/current', 'releases/2026-02-02'),
    message: /^cannot switch \/srv\/brace\/current: since/,
    theirs: ({ disk }) => disk.links.get('/srv/brace/current'),
  },
  'an env file': {
    book: config,
    target: api,
    params: { revision: 'HEAD~1' },
    world: servingApi,
    at: 'put-that-version-in-place-and-keep-the-present-one',
    meddle: editFile(apiEnv, 'small', 'tiny'),
    message: /^cannot replace \/srv\/api\/\.env: since/,
    theirs: (world) => text(world, apiEnv),
  },
  'a settings file': {
    book: auth,
    target: braceAccess,
    params: { what: 'daemon', from: null },
    world: () => edited({ daemon: settings.bad }),
    at: 'put-it-in-place-and-keep-the-present-daemon-json',
    meddle: (world) => lay(world.disk, files.daemon, '{"debug": true}'),
    message: /^cannot replace .*daemon\.json: since/,
    theirs: (world) => text(world, files.daemon),
  },
  'a data folder': {
    book: drill,
    target: codexDrill,
    params: {},
    world: drilled,
    at: 'move-the-live-data-aside',
    meddle: ({ disk }) => void disk.identities.set(live, 'of another folder'),
    message: /^cannot replace \/srv\/codex\/\.codex-api: since/,
    theirs: (world) => text(world, `${live}/codex/config.toml`),
  },
  'a release folder': {
    book: drill,
    target: codexDrill,
    params: {},
    world: drilled,
    at: 'redeploy-from-the-release-bundle',
    meddle: ({ disk }) => void disk.identities.set(root, 'of another folder'),
    message: /^cannot replace \/srv\/codex: since/,
    theirs: (world) => text(world, `${root}/server.js`),
  },
  'a database in a volume, once it is kept': {
    book: sqlite,
    target: volume.target,
    params: {},
    world: () => volume.world('plain'),
    at: 'put-the-backup-in-its-place',
    meddle: ({ volumes }) => layInVolume(volumes, 'api', volume.file, 'of another'),
    message: /^cannot replace \/app\/data\/contextsafe\.db of api: since/,
    theirs: ({ volumes }) => volumes.get('api')?.get(volume.file)?.body,
  },
  'a database in a volume, before it is kept': {
    book: sqlite,
    target: volume.target,
    params: {},
    world: healthyVolume,
    at: 'back-up-the-current-database',
    meddle: ({ volumes }) => layInVolume(volumes, 'api', volume.file, volume.good),
    message: /^cannot replace \/app\/data\/contextsafe\.db of api: since/,
    theirs: ({ volumes }) => volumes.get('api')?.get(volume.file)?.body,
  },
  'the tables of a database in a volume, before it is kept': {
    book: sqlite,
    target: volume.target,
    params: {},
    world: healthyVolume,
    at: 'back-up-the-current-database',
    meddle: ({ volumes }) =>
      writeInVolume(volumes, 'api', volume.file, volume.sqliteDump({ tables: { invoices: [] } })),
    message: /^cannot replace the tables of contextsafe: since/,
    theirs: ({ volumes }) => volumes.get('api')?.get(volume.file)?.body,
  },
}

describe('what somebody else replaced between the look of a run and its change', () => {
  it.each(Object.entries(cases))('%s', async (_, one) => {
    const { book, target, params, at, meddle, message, theirs } = one
    const first = one.world()
    const whole = fakeMachine(first, { book, target })
    await whole.run(params)
    const intents = whole.entries.flatMap(({ entry }) => (entry.type === 'intent' ? [entry.step] : []))
    expect(intents).toContain(at)

    const world = one.world()
    const machine = fakeMachine(world, { book, target })
    world.faults.order('journal.append intent', 'kill', intents.indexOf(at) + 1)
    await expect(machine.run(params)).rejects.toBeInstanceOf(Killed)
    machine.reboot()
    meddle(world)
    const put = JSON.stringify(theirs(world))
    expect(await machine.resume()).toMatchObject({
      code: 'failed',
      failure: { message: expect.stringMatching(message) as string },
    })
    expect(JSON.stringify(theirs(world))).toBe(put)
  })
})
