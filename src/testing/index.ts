/**
 * For tests of your own steps and runbooks: the real engine on an in-memory world. Nothing here starts a
 * program, opens a socket or waits.
 *
 * ```ts
 * const fleet = runningFleet({ web: 'web:1' })
 * const world = fakeWorld({ fleet, server: fakeServer({ shop: { orders: [{ id: 1 }] } }) })
 * const machine = fakeMachine(world, { book, target: targetOf(config, 'shop') })
 * const before = world.state()
 *
 * world.faults.order('services.start', 'fail') // the first start fails
 * expect(await machine.run()).toMatchObject({ outcome: 'rolled-back' })
 * expect(world.state()).toEqual(before)
 * ```
 *
 * - Set up `world.disk` (with `lay`), `world.server`, `world.fleet`, `world.web`, `world.programs`,
 *   `world.environment` and `world.person` as your runbook needs them. Inspect the same objects afterwards, or
 *   compare `world.state()`.
 * - `world.faults.order(moment, 'fail' | 'hang' | 'kill', time)` injects a fault at one moment, `killAfter(n)`
 *   at the n-th moment of all. A run without faults lists its moments in `world.faults.reached`; `everyMoment(machine)`
 *   tries all of them. A run that settles before an ordered fault fired rejects.
 * - A killed run rejects with `Killed`; `machine.resume()` and `machine.rollback()` continue it in a new
 *   process.
 * - `machine.dryRun()` must not change `world.state()`. `machine.entries` is the journal of the newest run.
 * - Waits cost nothing: `world.clock` advances when every caller sleeps.
 */
export { fakeWorld, type FakeWorld, type WorldParts } from './world.ts'
export { fakeMachine, type Carried, type FakeMachine } from './machine.ts'
export { everyMoment, type EveryMoment } from './every-moment.ts'
export { targetOf, type TargetFolders } from './target-of.ts'
export { Faults, Killed, type Fault } from './faults.ts'
export { fakeClock, type FakeClock } from './clock.ts'
export { emptyDisk, lay, mountOn, type Disk, type Permissions, type FakeMount } from './disk.ts'
export { archiveOf, encrypted, type FakeMember } from './archives.ts'
export type { Doorkeeper } from './fake-pg-hba.ts'
export { dumpBytes, type FakeDump, type FakeTables } from './fake-dump.ts'
export { fakeServer, type FakeDatabase, type FakeServer } from './fake-server.ts'
export { emptyFleet, fakeService, runningFleet, runOn, runWith, type Fleet } from './services.ts'
export type { Ending, FakeInstance, FakeService } from './instances.ts'
export { fakeKeys, type FakeKeys } from './seal.ts'
export { commitOn, noRepositories, type FakeCommit, type Repositories } from './git.ts'
export {
  emptyShelf,
  fakeRepository,
  type FakeAsset,
  type FakeRelease,
  type FakeRepository,
  type ReleaseShelf,
} from './releases.ts'
export { emptyWeb, type FakeAnswer, type FakeWeb } from './http.ts'
export { emptyPost, type FakeMailAnswer, type FakePost } from './mail.ts'
export { noPrograms, type FakeProgram, type Programs } from './commands.ts'
export { noMigrations, type FakeMigration, type FakeMigrations } from './migrations.ts'
export { keep, storeIn, type FakeObject, type FakeStore, type FakeStores } from './places.ts'
export { nobody, somebody, type FakePerson } from './people.ts'
export { emptyStore, imageArchiveOf, fakeImage, type ImageStore, type FakeImage } from './images.ts'
export { noLeftovers, type Leftovers } from './orphans.ts'
export { noLocks, type FakeLocks } from './locks.ts'
export type { LockHolder } from '../drivers/locks.ts'
export { noContainers, type FakeContainer, type FakeContainers } from './containers.ts'
export { layInVolume, noVolumes, type FakeFile, type FakeVolumes } from './volumes.ts'
export { emptyJournal, fakeJournal, type KeptJournal, type FakeJournal } from './journal.ts'
export { FakeEvidence } from './evidence.ts'
export { plainConductor } from './conductor.ts'
