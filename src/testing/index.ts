/**
 * For tests of your own steps and runbooks: the real engine on a pretended world. Nothing here starts a program, opens a socket or waits.
 *
 * ```ts
 * const world = memoryWorld({ fleet: runningFleet({ web: 'web:1' }), server: fakeServer({ shop: { orders: [{ id: 1 }] } }) })
 * const machine = memoryMachine(world, { book, target })
 * const before = world.state()
 *
 * world.faults.order('services.start', 'fail')             // the first start fails
 * expect(await machine.run()).toMatchObject({ outcome: 'rolled-back' })
 * expect(world.state()).toEqual(before)
 * ```
 *
 * - Lay out `world.disk` (`lay`), `world.server`, `world.fleet`, `world.web`, `world.programs`, `world.environment`, `world.person` as your
 *   runbook needs them; look at the same objects afterwards, or compare `world.state()`.
 * - `world.faults.order(moment, 'fail' | 'hang' | 'kill', time)` brings trouble at one moment, `killAfter(n)` at the n-th of all. A run
 *   without orders leaves the list of all its moments in `world.faults.reached`, so a test can go through every one of them.
 * - A killed run rejects with `Killed`; `machine.resume()` and `machine.rollback()` go on with it in a new process.
 * - `machine.dryRun()` must leave `world.state()` as it was. `machine.entries` is the journal of the newest run.
 * - Waits cost nothing: `world.clock` jumps on when everybody sleeps.
 */
export { memoryWorld, type MemoryWorld, type WorldParts } from './world.ts'
export { memoryMachine, type Carried, type MemoryMachine } from './machine.ts'
export { Faults, Killed, type Fault } from './faults.ts'
export { pretendedClock, type PretendedClock } from './clock.ts'
export { emptyDisk, lay, mountOn, type Disk, type Permissions, type PretendedMount } from './disk.ts'
export { archiveOf, encrypted, type PretendedMember } from './archives.ts'
export type { Doorkeeper } from './doorkeeper.ts'
export { dumpBytes, type FakeDump, type FakeTables } from './fake-dump.ts'
export { fakeServer, type FakeDatabase, type FakeServer } from './databases.ts'
export {
  emptyFleet,
  pretendedService,
  runningFleet,
  runOn,
  runWith,
  type Ending,
  type Fleet,
  type PretendedInstance,
  type PretendedService,
} from './services.ts'
export { commitOn, noRepositories, type PretendedCommit, type Repositories } from './git.ts'
export {
  emptyShelf,
  pretendedRepository,
  type PretendedAsset,
  type PretendedRelease,
  type PretendedRepository,
  type ReleaseShelf,
} from './releases.ts'
export { emptyWeb, type PretendedAnswer, type PretendedWeb } from './http.ts'
export { noPrograms, type PretendedProgram, type Programs } from './commands.ts'
export { noMigrations, type PretendedMigration, type PretendedMigrations } from './migrations.ts'
export { nobody, somebody, type PretendedPerson } from './people.ts'
export { emptyStore, imageArchiveOf, pretendedImage, type ImageStore, type PretendedImage } from './images.ts'
export { noLeftovers, type Leftovers } from './orphans.ts'
export { noContainers, type PretendedContainer, type PretendedContainers } from './containers.ts'
export { layInVolume, noVolumes, type PretendedFile, type PretendedVolumes } from './volumes.ts'
export { emptyJournal, memoryJournal, type KeptJournal, type MemoryJournal } from './journal.ts'
export { MemoryEvidence } from './evidence.ts'
export { plainConductor } from './conductor.ts'
