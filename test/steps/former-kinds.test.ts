import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import auth from '../../runbooks/auth-rollback.ts'
import container from '../../runbooks/container-rollback.ts'
import exportsOff from '../../runbooks/disable-exports.ts'
import rapid from '../../runbooks/rapid-rollback.ts'
import stackRollback from '../../runbooks/stack-rollback.ts'
import version from '../../runbooks/version-rollback.ts'
import type { Drivers } from '../../src/drivers/drivers.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import { planOf } from '../../src/model/plan.ts'
import type { Runbook } from '../../src/model/runbook.ts'
import type { Target } from '../../src/model/target.ts'
import type { Result } from '../../src/run/engine/ending.ts'
import type { Stored } from '../../src/run/journal/entry.ts'
import { resume } from '../../src/run/resume.ts'
import { emptyJournal, fakeMachine, type FakeWorld } from '../../src/testing/index.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { braceAccess, composed, edited } from './fake-access.ts'
import { api as exporting, servingApi } from './fake-api.ts'
import { badlyDeployed, badlyLinked, badlyPinned, braceShop, linkedShop, pinnedShop } from './fake-brace.ts'
import { codexTarget, deployed } from './fake-codex.ts'
import { contextsafeWorld, target as contextsafe } from './fake-contextsafe.ts'
import { api, badApi } from './fake-releases.ts'

/** A run that was killed right after an effect, as the version recorded it whose kinds of steps are gone by now. */
type Recorded = {
  readonly now: string
  /** Calls of drivers that acted, in order. */
  readonly calls: readonly {
    readonly port: keyof Drivers
    readonly method: string
    readonly args: readonly unknown[]
  }[]
  readonly entries: readonly Stored[]
  /** The world when it was killed. */
  readonly state: JsonObject
}

type Scene = { readonly book: Runbook; readonly target: Target; readonly world: () => FakeWorld }

const scenes: readonly (readonly [RegExp, Scene])[] = [
  [/^version/, { book: version, target: api, world: () => badApi() }],
  [/pinned/, { book: rapid, target: pinnedShop, world: badlyPinned }],
  [/names/, { book: rapid, target: braceShop, world: badlyDeployed }],
  [/folder/, { book: rapid, target: linkedShop, world: badlyLinked }],
  [/^auth/, { book: auth, target: braceAccess, world: () => edited({ compose: composed.bad }) }],
  [/^disable/, { book: exportsOff, target: exporting, world: () => servingApi() }],
  [/^stack/, { book: stackRollback, target: codexTarget, world: () => deployed() }],
  [/^container/, { book: container, target: contextsafe, world: () => contextsafeWorld({ pulled: true }) }],
]

const folder = join(import.meta.dirname, '../fixtures/former-kinds')
const files = readdirSync(folder)

const sceneOf = (file: string): Scene => {
  const found = scenes.find(([pattern]) => pattern.test(file))?.[1]
  if (found === undefined) throw new Error(`no scene for ${file}`)
  return found
}

const revived = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && 'bytes' in value
    ? new Uint8Array(Buffer.from(String(value.bytes), 'base64'))
    : value

/** The world and the journal as the kill left them. */
async function killed(file: string) {
  const { book, target, world: make } = sceneOf(file)
  const recorded = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Recorded
  const world = make()
  const before = world.state()
  const drivers = world.drivers(watchedScope()) as unknown as {
    readonly [port: string]: { readonly [method: string]: (...args: unknown[]) => Promise<unknown> }
  }
  for (const { port, method, args } of recorded.calls) {
    if (port !== 'people') await drivers[port]?.[method]?.(...args.map(revived))
  }
  // The roles of the server are part of the state since.
  expect(JSON.parse(JSON.stringify(world.state()))).toEqual({ roles: ['app'], ...recorded.state })
  await world.clock.sleep(Date.parse(recorded.now) - world.clock.now().getTime())
  const journal = emptyJournal()
  journal.entries.push(...recorded.entries)
  const last = recorded.entries.at(-1)
  if (last !== undefined) journal.heads.set(last.run, { seq: last.seq, hash: last.hash })
  const machine = fakeMachine(world, { book, target, journal })
  const params = recorded.entries.flatMap(({ entry }) =>
    entry.type === 'opened' ? [entry.plan.params] : [],
  )[0]
  const takeUp = (way: 'forward' | 'back', accepted: string | null): Promise<Result> =>
    resume(machine.reboot(), {
      run: String(last?.run),
      way,
      planned: planOf(book, target, params ?? {}),
      accepted,
    })
  return { world, before, machine, recorded, takeUp }
}

const withoutRecords = (state: JsonObject): JsonObject => ({
  ...state,
  files: Object.fromEntries(
    Object.entries(state['files'] as JsonObject).filter(
      ([path]) => !/checklist|incident-log|history\.log/.test(path),
    ),
  ),
})

describe('a run that was begun under kinds of steps that are gone', () => {
  it('names kinds that no runbook has any more', () => {
    const kinds = new Set(
      files.flatMap((file) => {
        const { entries } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Recorded
        return entries.flatMap(({ entry }) =>
          entry.type === 'opened' ? entry.plan.steps.map(({ kind }) => kind) : [],
        )
      }),
    )
    const today = new Set(
      scenes.flatMap(([, { book, target }]) => planOf(book, target, {}).plan.steps.map(({ kind }) => kind)),
    )
    expect([...kinds].filter((kind) => !today.has(kind)).toSorted()).toEqual([
      'config.apply-environment',
      'images.fetch-release',
      'images.redeploy',
      'releases.bring-up',
      'releases.pin-tag',
      'services.apply-compose-file',
      'services.deploy-folder',
      'services.deploy-release',
    ])
  })

  it.each(files)('is resumed to its end: %s', async (file) => {
    const { takeUp, machine, recorded } = await killed(file)
    expect(await takeUp('forward', 'accepted')).toMatchObject({ code: 'succeeded', outcome: 'succeeded' })
    expect(machine.entries.length).toBeGreaterThan(recorded.entries.length)
  })

  it.each(files)('is rolled back to where it was: %s', async (file) => {
    const { takeUp, world, before } = await killed(file)
    expect(await takeUp('back', 'accepted')).toMatchObject({ code: 'succeeded', outcome: 'rolled-back' })
    expect(withoutRecords(world.state())).toEqual(withoutRecords(before))
  })
})
