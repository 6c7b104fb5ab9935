import { describe, expect, it } from 'vitest'
import { emptyDisk, lay, fakeWorld } from '../../src/testing/index.ts'
import { collisions, mismatches } from '../../steps/backups/check-replacement.ts'
import {
  bringTo,
  unexpectedLeftovers,
  movesFor,
  swapStateOf,
  type PathSwap,
  type SwapState,
} from '../../steps/files/lib/swap-path.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { handsOn } from './hands.ts'

const exchange: PathSwap = { path: '/p', fresh: '/f', kept: '/k' }
const added: PathSwap = { ...exchange, kept: null }

describe('an exchange', () => {
  it.each<[SwapState, SwapState, readonly (readonly [string, string])[]]>([
    ['old', 'old', []],
    ['between', 'between', []],
    ['new', 'new', []],
    ['old', 'between', [['/p', '/k']]],
    ['between', 'new', [['/f', '/p']]],
    [
      'old',
      'new',
      [
        ['/p', '/k'],
        ['/f', '/p'],
      ],
    ],
    ['new', 'between', [['/p', '/f']]],
    ['between', 'old', [['/k', '/p']]],
    [
      'new',
      'old',
      [
        ['/p', '/f'],
        ['/k', '/p'],
      ],
    ],
  ])('goes from %s to %s', (now, wanted, moves) => expect(movesFor(exchange, now, wanted)).toEqual(moves))

  it.each<[SwapState, SwapState, readonly (readonly [string, string])[]]>([
    ['old', 'new', [['/f', '/p']]],
    ['new', 'old', [['/p', '/f']]],
    ['new', 'new', []],
  ])('of a name that was not there goes from %s to %s', (now, wanted, moves) =>
    expect(movesFor(added, now, wanted)).toEqual(moves),
  )

  it.each<[readonly string[], PathSwap, SwapState | null]>([
    [['/p', '/f'], exchange, 'old'],
    [['/f', '/k'], exchange, 'between'],
    [['/p', '/k'], exchange, 'new'],
    // Whatever else lies there was put there by somebody else.
    [['/p', '/f', '/k'], exchange, null],
    [['/p'], exchange, null],
    [['/f'], exchange, null],
    [['/k'], exchange, null],
    [[], exchange, null],
    [['/f'], added, 'old'],
    [['/p'], added, 'new'],
    [['/p', '/f'], added, null],
    [[], added, null],
  ])('where %j is there stands', async (there, one, stands) => {
    const disk = emptyDisk()
    for (const path of there) lay(disk, path, path)
    const look = fakeWorld({ disk }).drivers(watchedScope())
    expect(await swapStateOf(look, one)).toBe(stands)
    if (stands === null) expect(await unexpectedLeftovers(look, one)).toMatch(/none exists|only/)
  })
})

describe('new content that was written to', () => {
  const since = '2026-02-03T00:00:00.000Z'
  const kept: PathSwap = { ...exchange, written: { since, as: '/w/kept' } }
  const worldAt = (written: string) => {
    const disk = emptyDisk()
    for (const path of ['/p/new', '/k/old']) lay(disk, path, path)
    disk.modifiedAt.set('/p/new', new Date(written))
    const world = fakeWorld({ disk })
    world.clock.pass(Date.parse('2026-02-04T00:00:00Z') - world.clock.now().getTime())
    return { world, io: handsOn(world).io }
  }

  it.each([
    ['is kept when the old one comes back', '2026-02-03T00:00:00.001Z', '/w/kept/new'],
    ['goes to its former place where nothing was written', since, '/f/new'],
    [
      'goes there too where its times are in the future, which came with it',
      '2255-01-01T00:00:00Z',
      '/f/new',
    ],
  ])('%s', async (_, written, found) => {
    const { world, io } = worldAt(written)
    await bringTo(io, kept, 'old')
    expect(await swapStateOf(io, kept)).toBe('old')
    expect([...world.disk.files.keys()].sort()).toEqual([found, '/p/old'].sort())
    await bringTo(io, kept, 'new')
    expect(await swapStateOf(io, kept)).toBe('new')
    expect([...world.disk.files.keys()].sort()).toEqual(['/k/old', '/p/new'])
  })
})

describe('a replacement', () => {
  const facts = {
    kind: 'directory',
    bytes: 0,
    mode: 0o755,
    uid: 1000,
    gid: 1000,
    device: 1,
    identity: null,
    modifiedAt: '2026-02-03T00:00:00Z',
    changedAt: null,
  } as const
  it.each([
    ['fits', {}, {}, 0],
    ['is of another owner', {}, { uid: 0 }, 1],
    ['is of another group', {}, { gid: 0 }, 1],
    ['lies on another file system', {}, { device: 2 }, 1],
    ['is to take the place of a mount point', { device: 3 }, {}, 1],
    ['may have another mode', {}, { mode: 0o700 }, 0],
  ] as const)('%s', (_, old, fresh, problems) =>
    expect(
      mismatches('/live', { old: { ...facts, ...old }, above: facts, fresh: { ...facts, ...fresh } }),
    ).toHaveLength(problems),
  )

  it.each([
    ['/srv/src', ['/srv/.data'], 0],
    ['/srv/.data', ['/srv/.data'], 1],
    ['/srv/var', ['/srv/var/data'], 1],
    ['/srv/var', ['/srv/variable'], 0],
    ['/srv/a', ['/srv'], 1],
  ] as const)('of %s meets %j', (path, spared, problems) =>
    expect(collisions([path], spared, [])).toHaveLength(problems),
  )

  it('gives the complete list to keep, since one of your own replaces the default', () => {
    const hint = `exclude it from bundles, or set drill.keep in runbook.config.ts: ['.env', '.git', '.data', 'releases']`
    expect(
      collisions(
        ['/srv/.data', '/srv/src', '/srv/releases'],
        ['/srv/.data', '/srv/releases'],
        ['.env', '.git'],
      ),
    ).toMatchObject([{ hint }, { hint }])
  })
})
