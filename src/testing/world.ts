import type { Drivers } from '../drivers/drivers.ts'
import type { Database, PostgresDatabase } from '../drivers/databases.ts'
import type { Scope } from '../drivers/scope.ts'
import { sha256, type JsonObject } from '../kernel/json.ts'
import { Redactor } from '../kernel/redact.ts'
import type { Secret } from '../kernel/secret.ts'
import type { OrphanScope } from '../run/engine/orphan-scope.ts'
import { fakeArchives } from './archives.ts'
import { fakeBackups } from './backups.ts'
import { fakeClock, type FakeClock } from './clock.ts'
import { fakeCommands, noPrograms, type Programs } from './commands.ts'
import { fakeContainers, noContainers, serverOf, type FakeContainers } from './containers.ts'
import { databasesBy } from './databases-by-server.ts'
import { fakeDatabases } from './databases.ts'
import { fakeServer, type FakeServer } from './fake-server.ts'
import { printOf } from './fake-dump.ts'
import { declaredOn } from './declared.ts'
import { emptyDisk, type Disk } from './disk.ts'
import { Faults } from './faults.ts'
import { fakeFiles } from './files.ts'
import { noLocks, type FakeLocks } from './locks.ts'
import { fakeGit, noRepositories, type Repositories } from './git.ts'
import { emptyWeb, fakeHttp, type FakeWeb } from './http.ts'
import { emptyStore, fakeImages, type ImageStore } from './images.ts'
import { emptyPost, fakeMailer, type FakePost } from './mail.ts'
import { fakeMigrations, noMigrations, type FakeMigrations } from './migrations.ts'
import { fakeOrphans, noLeftovers, type Leftovers } from './orphans.ts'
import { fakePeople, nobody, type FakePerson } from './people.ts'
import { fakePlaces, type FakeStores } from './places.ts'
import { emptyShelf, fakeReleases, publishedIn, type ReleaseShelf } from './releases.ts'
import { fakeKeys, type FakeKeys } from './seal.ts'
import { fakeSecrets } from './secrets.ts'
import { emptyFleet, fakeServices, type Fleet } from './services.ts'
import { fakeVolumes, noVolumes, volumeFacts, type FakeVolumes } from './volumes.ts'

/**
 * Everything that a runbook can see and change, as plain state: set it up before a run, inspect it
 * afterwards.
 */
export interface FakeWorld {
  readonly clock: FakeClock
  readonly disk: Disk
  readonly server: FakeServer
  readonly fleet: Fleet
  readonly web: FakeWeb
  /** Mail servers, and the mail that they accepted. */
  readonly post: FakePost
  readonly programs: Programs
  readonly leftovers: Leftovers
  readonly volumes: FakeVolumes
  readonly images: ImageStore
  readonly repositories: Repositories
  readonly migrations: FakeMigrations
  readonly shelf: ReleaseShelf
  /** Stores in which backups are kept elsewhere; see `storeIn`. */
  readonly stores: FakeStores
  /** The key that signs manifests of backups, and those that are trusted. */
  readonly keys: FakeKeys
  /** Throwaway containers that runs create. */
  readonly containers: FakeContainers
  /** Locks of the things that runs change. Two machines on one world exclude each other by them. */
  readonly locks: FakeLocks
  /** The person who is asked, and their answers. */
  person: FakePerson
  /** Environment variables, from which secrets are read. */
  readonly environment: Map<string, string>
  /** Masks every secret that was revealed. */
  readonly redactor: Redactor
  /**
   * Fault injection. Every driver call passes `PORT.METHOD` before it acts and `PORT.METHOD done` before it
   * answers (`services.stop`, `files.write done`). A stop or start of several services also passes
   * `services.stop NAME` for each, and databases pass `databases.swap half-way` and the like.
   */
  readonly faults: Faults
  /**
   * The drivers for one attempt of one step.
   * @param scopeOf where to search for a run's leftovers; omitted, everywhere
   */
  drivers(scope: Scope, scopeOf?: (run: string) => OrphanScope): Drivers
  /**
   * The state that a rollback must bring back, as comparable JSON: files, folders, databases with their data,
   * services and whether they run, volumes, images, releases and containers.
   */
  state(): JsonObject
}

export type WorldParts = Partial<
  Pick<
    FakeWorld,
    | 'clock'
    | 'disk'
    | 'server'
    | 'fleet'
    | 'web'
    | 'post'
    | 'programs'
    | 'leftovers'
    | 'volumes'
    | 'images'
    | 'repositories'
    | 'migrations'
    | 'shelf'
    | 'stores'
    | 'keys'
    | 'containers'
    | 'locks'
    | 'person'
  >
> & {
  readonly environment?: { readonly [name: string]: string }
}

/** Creates a world from the given parts; all others are empty. */
export function fakeWorld(parts: WorldParts = {}): FakeWorld {
  const faults = new Faults()
  const redactor = new Redactor()
  const world: FakeWorld = {
    clock: parts.clock ?? fakeClock(),
    disk: parts.disk ?? emptyDisk(),
    server: parts.server ?? fakeServer({}),
    fleet: parts.fleet ?? emptyFleet(),
    web: parts.web ?? emptyWeb(),
    post: parts.post ?? emptyPost(),
    programs: parts.programs ?? noPrograms(),
    leftovers: parts.leftovers ?? noLeftovers(),
    images: parts.images ?? emptyStore(),
    repositories: parts.repositories ?? noRepositories(),
    shelf: parts.shelf ?? emptyShelf(),
    stores: parts.stores ?? new Map(),
    keys: parts.keys ?? fakeKeys(),
    volumes: parts.volumes ?? noVolumes(),
    migrations: parts.migrations ?? noMigrations(),
    containers: parts.containers ?? noContainers(),
    locks: parts.locks ?? noLocks(),
    person: parts.person ?? nobody,
    environment: new Map(Object.entries(parts.environment ?? {})),
    redactor,
    faults,
    drivers: (scope, scopeOf) => driversOf(world, scope, (secret) => redactor.add(secret), scopeOf),
    state: () => stateOf(world),
  }
  return world
}

function driversOf(
  world: FakeWorld,
  scope: Scope,
  register: (secret: Secret) => void,
  scopeOf?: (run: string) => OrphanScope,
): Drivers {
  const {
    clock,
    disk,
    server,
    fleet,
    web,
    post,
    programs,
    leftovers,
    volumes,
    images,
    repositories,
    migrations,
    shelf,
    stores,
    keys,
    containers,
    faults,
  } = world
  const secrets = portOf(
    new OnFirstUse(() => fakeSecrets({ environment: Object.fromEntries(world.environment), disk, register })),
  )
  // An attempt uses two or three of them.
  const made = <P extends object>(name: string, make: () => P): P =>
    portOf(new Passing(name, make, faults, scope.signal))
  return {
    services: made('services', () => fakeServices(watched(fleet, faults, scope), scope, disk, images)),
    databases: databasesBy(
      (database) => serverOf(database, containers) ?? server,
      (of) =>
        fakeDatabases({
          server: of,
          disk,
          scope,
          now: () => clock.now(),
          faults,
          isUp: (database) => isUp(fleet, database),
        }),
    ),
    backups: made('backups', () => fakeBackups({ disk, clock, scope, keys })),
    places: made('places', () => fakePlaces(stores, disk, scope)),
    files: made('files', () => fakeFiles(disk)),
    archives: made('archives', () => fakeArchives(disk, secrets)),
    http: made('http', () => fakeHttp(web, secrets)),
    mail: made('mail', () => fakeMailer(post, secrets)),
    people: made('people', () => fakePeople(world.person, () => clock.now())),
    secrets: made('secrets', () => secrets),
    commands: made('commands', () => fakeCommands(programs, scope)),
    orphans: made('orphans', () => fakeOrphans(leftovers, scopeOf)),
    images: made('images', () =>
      fakeImages(images, disk, (id) =>
        [...fleet.services]
          .filter(([, { instance }]) => instance?.imageId === id)
          .map(([name]) => name)
          .sort(),
      ),
    ),
    git: made('git', () => fakeGit(repositories, disk)),
    releases: made('releases', () => fakeReleases(shelf, disk, secrets)),
    containers: made('containers', () =>
      fakeContainers({
        containers,
        images,
        scope,
        services: fleet.services,
        reach: (moment) => faults.reach(`containers.${moment}`, scope.signal),
      }),
    ),
    volumes: made('volumes', () =>
      fakeVolumes({
        volumes,
        disk,
        fleet,
        reach: (moment) => faults.reach(`volumes.${moment}`, scope.signal),
      }),
    ),
    migrations: made('migrations', () =>
      fakeMigrations({
        migrations,
        server,
        disk,
        volumes,
        imageOf: ({ stack, service }) =>
          declaredOn(disk)(stack, fleet.services.get(service)?.declared ?? service),
      }),
    ),
  }
}

/** A database in a service that the fleet does not have is not in the stack's files: it is up. */
function isUp({ services }: Fleet, database: Database): boolean {
  // Reading the header of a dump gives no location of a server.
  const { via }: Partial<PostgresDatabase> = database.engine === 'postgres' ? database : {}
  const instance = via?.kind === 'compose' ? services.get(via.service)?.instance : undefined
  return instance === undefined || instance?.state === 'running'
}

/** The fleet, with a fault point before each service. */
function watched(fleet: Fleet, faults: Faults, { signal }: Scope): Fleet {
  return {
    services: fleet.services,
    get reachable() {
      return fleet.reachable !== false
    },
    get elsewhere() {
      return fleet.elsewhere ?? {}
    },
    get published() {
      return fleet.published ?? []
    },
    get volumes() {
      return fleet.volumes
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

type Method = (...args: readonly unknown[]) => unknown

/** A port that is made when something of it is asked for. */
class OnFirstUse<P extends object> implements ProxyHandler<P> {
  readonly #make: () => P
  #port: P | null = null

  constructor(make: () => P) {
    this.#make = make
  }

  get port(): P {
    return (this.#port ??= this.#make())
  }

  get(_: P, name: string | symbol): unknown {
    return Reflect.get(this.port, name)
  }

  has(_: P, method: string | symbol): boolean {
    return Reflect.has(this.port, method)
  }

  ownKeys(): (string | symbol)[] {
    return Reflect.ownKeys(this.port)
  }

  getOwnPropertyDescriptor(_: P, method: string | symbol): PropertyDescriptor | undefined {
    return Reflect.getOwnPropertyDescriptor(this.port, method)
  }
}

/** Its calls pass their fault points. */
class Passing<P extends object> extends OnFirstUse<P> {
  readonly #name: string
  readonly #faults: Faults
  readonly #signal: AbortSignal

  constructor(name: string, make: () => P, faults: Faults, signal: AbortSignal) {
    super(make)
    this.#name = name
    this.#faults = faults
    this.#signal = signal
  }

  override get(_: P, method: string | symbol): unknown {
    const { port } = this
    const found: unknown = Reflect.get(port, method)
    if (typeof found !== 'function') return found
    const moment = `${this.#name}.${String(method)}`
    return async (...args: readonly unknown[]): Promise<unknown> => {
      await this.#faults.reach(moment, this.#signal)
      const answer: unknown = await Reflect.apply(found as Method, port, args)
      await this.#faults.reach(`${moment} done`, this.#signal)
      return answer
    }
  }
}

const portOf = <P extends object>(handler: OnFirstUse<P>): P => new Proxy({} as P, handler)

function stateOf({
  disk,
  server,
  fleet,
  volumes,
  images,
  repositories,
  shelf,
  containers,
}: FakeWorld): JsonObject {
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
    databases: sorted(server.databases, ({ tables, owner, closed }) => ({
      data: printOf(tables, 'rows-and-digest').digest,
      owner,
      ...(closed === true ? { closed } : {}),
    })),
    containers: sorted(containers.containers, ({ image, state, server: inside }) => ({
      image,
      state,
      databases: [...(inside?.databases.keys() ?? [])].sort(),
    })),
    leftovers: [...server.leftovers].sort(),
    roles: [...server.roles].sort(),
    volumes: sorted(volumeFacts(volumes), (file) => file),
    images: sorted(images.images, ({ tags }) => ({ tags: tags.toSorted() })),
    releases: publishedIn(shelf),
    repositories: sorted(repositories, ([last]) => last?.sha ?? 'nothing committed'),
    services: sorted(fleet.services, ({ declared, instance }) => ({
      declared,
      state: instance?.state ?? 'missing',
      image: instance?.image ?? null,
      ...((instance?.count ?? 1) === 1 ? {} : { count: instance?.count ?? 1 }),
      ...(instance?.settings === undefined ? {} : { settings: instance.settings }),
      ...(instance?.imageId === undefined ? {} : { imageId: instance.imageId }),
      ...(instance?.environment === undefined ? {} : { environment: instance.environment }),
      ...(instance?.mounted === undefined ? {} : { mounted: instance.mounted }),
    })),
  }
}
