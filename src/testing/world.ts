import type { Drivers } from '../drivers/drivers.ts'
import type { Scope } from '../drivers/scope.ts'
import { sha256, type JsonObject } from '../kernel/json.ts'
import { Redactor } from '../kernel/redact.ts'
import type { Secret } from '../kernel/secret.ts'
import { memoryArchives } from './archives.ts'
import { memoryBackups } from './backups.ts'
import { pretendedClock, type PretendedClock } from './clock.ts'
import { memoryCommands, noPrograms, type Programs } from './commands.ts'
import { memoryContainers, noContainers, serverOf, type PretendedContainers } from './containers.ts'
import { databasesBy, fakeServer, memoryDatabases, type FakeServer } from './databases.ts'
import { printOf } from './fake-dump.ts'
import { declaredOn } from './declared.ts'
import { emptyDisk, type Disk } from './disk.ts'
import { Faults } from './faults.ts'
import { memoryFiles } from './files.ts'
import { memoryGit, noRepositories, type Repositories } from './git.ts'
import { emptyWeb, memoryHttp, type PretendedWeb } from './http.ts'
import { emptyStore, memoryImages, type ImageStore } from './images.ts'
import { memoryMigrations, noMigrations, type PretendedMigrations } from './migrations.ts'
import { memoryOrphans, noLeftovers, type Leftovers } from './orphans.ts'
import { memoryPeople, nobody, type PretendedPerson } from './people.ts'
import { emptyShelf, memoryReleases, publishedIn, type ReleaseShelf } from './releases.ts'
import { memorySecrets } from './secrets.ts'
import { emptyFleet, memoryServices, type Fleet } from './services.ts'
import { memoryVolumes, noVolumes, toldOf, type PretendedVolumes } from './volumes.ts'

/** Everything that a runbook can see and touch, as plain state: lay it out before a run, look at it afterwards. */
export interface MemoryWorld {
  readonly clock: PretendedClock
  readonly disk: Disk
  readonly server: FakeServer
  readonly fleet: Fleet
  readonly web: PretendedWeb
  readonly programs: Programs
  readonly leftovers: Leftovers
  readonly volumes: PretendedVolumes
  readonly images: ImageStore
  readonly repositories: Repositories
  readonly migrations: PretendedMigrations
  readonly shelf: ReleaseShelf
  /** Those that a run made for itself. */
  readonly containers: PretendedContainers
  /** Who is asked, and how they answer. */
  person: PretendedPerson
  /** Where secrets are looked up. */
  readonly environment: Map<string, string>
  /** Knows every secret that was revealed. */
  readonly redactor: Redactor
  /**
   * Trouble on order. Every call of a driver passes `PORT.METHOD` before it acts and `PORT.METHOD done` before it answers
   * (`services.stop`, `files.write done`); a stop or start of several services passes `services.stop NAME` for each, and the databases
   * pass `databases.swap half-way` and the like.
   */
  readonly faults: Faults
  /** The drivers, for one attempt of one step. */
  drivers(scope: Scope): Drivers
  /**
   * What a rollback must bring back, as JSON that can be compared: files, folders, databases with their data, services and whether
   * they run.
   */
  state(): JsonObject
}

export type WorldParts = Partial<
  Pick<
    MemoryWorld,
    | 'clock'
    | 'disk'
    | 'server'
    | 'fleet'
    | 'web'
    | 'programs'
    | 'leftovers'
    | 'volumes'
    | 'images'
    | 'repositories'
    | 'migrations'
    | 'shelf'
    | 'containers'
    | 'person'
  >
> & {
  readonly environment?: { readonly [name: string]: string }
}

/** A world of which you lay out the parts that matter to your runbook; the others are empty. */
export function memoryWorld(parts: WorldParts = {}): MemoryWorld {
  const faults = new Faults()
  const redactor = new Redactor()
  const world: MemoryWorld = {
    clock: parts.clock ?? pretendedClock(),
    disk: parts.disk ?? emptyDisk(),
    server: parts.server ?? fakeServer({}),
    fleet: parts.fleet ?? emptyFleet(),
    web: parts.web ?? emptyWeb(),
    programs: parts.programs ?? noPrograms(),
    leftovers: parts.leftovers ?? noLeftovers(),
    images: parts.images ?? emptyStore(),
    repositories: parts.repositories ?? noRepositories(),
    shelf: parts.shelf ?? emptyShelf(),
    volumes: parts.volumes ?? noVolumes(),
    migrations: parts.migrations ?? noMigrations(),
    containers: parts.containers ?? noContainers(),
    person: parts.person ?? nobody,
    environment: new Map(Object.entries(parts.environment ?? {})),
    redactor,
    faults,
    drivers: (scope) => driversOf(world, scope, (secret) => redactor.add(secret)),
    state: () => stateOf(world),
  }
  return world
}

function driversOf(world: MemoryWorld, scope: Scope, register: (secret: Secret) => void): Drivers {
  const {
    clock,
    disk,
    server,
    fleet,
    web,
    programs,
    leftovers,
    volumes,
    images,
    repositories,
    migrations,
    shelf,
    containers,
    faults,
  } = world
  const secrets = memorySecrets({ environment: Object.fromEntries(world.environment), disk, register })
  const drivers: Drivers = {
    services: memoryServices(watched(fleet, faults, scope), scope, disk, images),
    databases: databasesBy(
      (database) => serverOf(database, containers) ?? server,
      (of) => memoryDatabases({ server: of, disk, scope, now: () => clock.now(), faults }),
    ),
    backups: memoryBackups({ disk, clock, scope }),
    files: memoryFiles(disk),
    archives: memoryArchives(disk, secrets),
    http: memoryHttp(web, secrets),
    people: memoryPeople(world.person, () => clock.now()),
    secrets,
    commands: memoryCommands(programs, scope),
    orphans: memoryOrphans(leftovers),
    images: memoryImages(images, disk, (id) =>
      [...fleet.services]
        .filter(([, { instance }]) => instance?.imageId === id)
        .map(([name]) => name)
        .sort(),
    ),
    git: memoryGit(repositories, disk),
    releases: memoryReleases(shelf, disk, secrets),
    containers: memoryContainers({
      containers,
      images,
      scope,
      reach: (moment) => faults.reach(`containers.${moment}`, scope.signal),
    }),
    volumes: memoryVolumes({
      volumes,
      disk,
      fleet,
      reach: (moment) => faults.reach(`volumes.${moment}`, scope.signal),
    }),
    migrations: memoryMigrations({
      migrations,
      server,
      disk,
      volumes,
      imageOf: ({ stack, service }) =>
        declaredOn(disk)(stack, fleet.services.get(service)?.declared ?? service),
    }),
  }
  const { databases, ...rest } = drivers
  const troubled = Object.entries(rest).map(([name, port]) => [
    name,
    passing(name, port, faults, scope.signal),
  ])
  return { ...(Object.fromEntries(troubled) as unknown as typeof rest), databases }
}

/** The fleet itself, with trouble between one service and the next. */
function watched(fleet: Fleet, faults: Faults, { signal }: Scope): Fleet {
  return {
    services: fleet.services,
    get reachable() {
      return fleet.reachable !== false
    },
    get made() {
      return fleet.made
    },
    set made(count) {
      fleet.made = count
    },
    beforeChange: async (operation, service) => {
      await faults.reach(`services.${operation} ${service}`, signal)
      await fleet.beforeChange(operation, service)
    },
  }
}

function passing<P extends object>(name: string, port: P, faults: Faults, signal: AbortSignal): P {
  return new Proxy(port, {
    get(driver, method) {
      const found: unknown = Reflect.get(driver, method)
      if (typeof found !== 'function') return found
      return async (...args: readonly unknown[]): Promise<unknown> => {
        await faults.reach(`${name}.${String(method)}`, signal)
        const answer: unknown = await Reflect.apply(found, driver, args)
        await faults.reach(`${name}.${String(method)} done`, signal)
        return answer
      }
    },
  })
}

function stateOf({
  disk,
  server,
  fleet,
  volumes,
  images,
  repositories,
  shelf,
  containers,
}: MemoryWorld): JsonObject {
  const sorted = <T>(
    entries: Iterable<readonly [string, T]>,
    tell: (value: T) => JsonObject | string,
  ): JsonObject =>
    Object.fromEntries(
      [...entries]
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([name, value]) => [name, tell(value)]),
    )
  return {
    files: sorted(disk.files, (body) => sha256(body)),
    folders: [...disk.folders].sort(),
    links: sorted(disk.links, (target) => target),
    permissions: sorted(disk.permissions, (permissions) => permissions),
    databases: sorted(server.databases, ({ tables, owner }) => ({
      data: printOf(tables, 'rows-and-digest').digest,
      owner,
    })),
    containers: sorted(containers.containers, ({ image, state, server: inside }) => ({
      image,
      state,
      databases: [...(inside?.databases.keys() ?? [])].sort(),
    })),
    leftovers: [...server.leftovers].sort(),
    volumes: sorted(toldOf(volumes), (file) => file),
    images: sorted(images.images, ({ tags }) => ({ tags: tags.toSorted() })),
    releases: publishedIn(shelf),
    repositories: sorted(repositories, ([last]) => last?.sha ?? 'nothing committed'),
    services: sorted(fleet.services, ({ declared, instance }) => ({
      declared,
      state: instance?.state ?? 'missing',
      image: instance?.image ?? null,
      ...(instance?.imageId === undefined ? {} : { imageId: instance.imageId }),
      ...(instance?.environment === undefined ? {} : { environment: instance.environment }),
      ...(instance?.mounted === undefined ? {} : { mounted: instance.mounted }),
    })),
  }
}
