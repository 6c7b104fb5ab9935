import type { Archives, ArchivesView } from './archives.ts'
import type { Backups, BackupsView } from './backups.ts'
import type { Commands, CommandsView } from './commands.ts'
import type { Containers, ContainersView } from './containers.ts'
import type { Databases, DatabasesView } from './databases.ts'
import type { Files, FilesView } from './files.ts'
import type { GitView } from './git.ts'
import type { Http, HttpView } from './http.ts'
import type { Images, ImagesView } from './images.ts'
import type { Mailer } from './mail.ts'
import type { Migrations } from './migrations.ts'
import type { Orphans, OrphansView } from './orphans.ts'
import type { People, PeopleView } from './people.ts'
import type { Places, PlacesView } from './places.ts'
import type { Releases, ReleasesView } from './releases.ts'
import type { Secrets, SecretsView } from './secrets.ts'
import type { Services, ServicesView } from './services.ts'
import type { Volumes, VolumesView } from './volumes.ts'

/** Read-only drivers: all that surveys, predictions, probes and dry runs get. */
export interface Views {
  readonly services: ServicesView
  readonly databases: DatabasesView
  readonly backups: BackupsView
  readonly places: PlacesView
  readonly files: FilesView
  readonly archives: ArchivesView
  readonly http: HttpView
  readonly people: PeopleView
  readonly secrets: SecretsView
  readonly commands: CommandsView
  readonly orphans: OrphansView
  readonly volumes: VolumesView
  readonly images: ImagesView
  readonly git: GitView
  readonly releases: ReleasesView
  readonly containers: ContainersView
}

/** All drivers, with their acting methods. */
export interface Drivers extends Views {
  readonly services: Services
  readonly databases: Databases
  readonly backups: Backups
  readonly places: Places
  readonly files: Files
  readonly archives: Archives
  readonly http: Http
  readonly people: People
  readonly secrets: Secrets
  readonly commands: Commands
  readonly orphans: Orphans
  readonly volumes: Volumes
  readonly images: Images
  readonly mail: Mailer
  readonly migrations: Migrations
  readonly releases: Releases
  readonly containers: Containers
}

type Methods<V> = { readonly [M in keyof V]-?: true }
const seen: { readonly [P in keyof Views]: Methods<Views[P]> } = {
  services: {
    facts: true,
    states: true,
    declared: true,
    outdated: true,
    creations: true,
    drift: true,
    declaredChanges: true,
    storage: true,
    declaredVariables: true,
    variables: true,
    digests: true,
    logs: true,
  },
  databases: {
    identity: true,
    exists: true,
    tableIds: true,
    listing: true,
    fileVersion: true,
    beside: true,
    bytes: true,
    leftover: true,
    fingerprint: true,
    contents: true,
    attachments: true,
    unreadable: true,
    missingRights: true,
    query: true,
    rows: true,
    values: true,
    inspect: true,
    readBack: true,
    header: true,
    fit: true,
    restoreRights: true,
    sessions: true,
    freeBytes: true,
    tools: true,
  },
  backups: { list: true, undated: true, find: true, verify: true, checksumOf: true, judge: true },
  places: { list: true, digestOf: true, read: true },
  files: {
    stat: true,
    read: true,
    linkTarget: true,
    realPath: true,
    list: true,
    unfinished: true,
    shownAt: true,
    freeBytes: true,
    missingRight: true,
    head: true,
    hash: true,
    tree: true,
    mount: true,
  },
  archives: { inspect: true, find: true, packable: true },
  http: { get: true, read: true },
  people: { reachable: true },
  secrets: { available: true },
  commands: { version: true, package: true, looking: true },
  orphans: { find: true },
  volumes: {
    stat: true,
    list: true,
    read: true,
    digest: true,
    withCopy: true,
    identity: true,
    leftover: true,
  },
  images: { find: true, list: true, digests: true, users: true, archived: true },
  containers: { mounts: true, state: true, log: true },
  git: { head: true, dirty: true, workTrees: true, tracked: true, show: true, ignores: true, history: true },
  releases: { commitOf: true, forTag: true, latest: true, fetched: true },
}

const ports = Object.entries(seen)

/** The drivers without their acting methods, at run time too, so that a cast cannot reach them. */
export function viewOf(drivers: Drivers): Views {
  const views: Record<string, unknown> = {}
  for (const [port, methods] of ports) views[port] = seenOf(drivers[port as keyof Views], methods)
  return Object.freeze(views) as unknown as Views
}

/** Each attempt gets views of its own and calls few of their methods, so a method is made when it is asked for. */
const seenOf = (driver: object, methods: object): object => new Proxy(methods, new Seen(driver))

class Seen implements ProxyHandler<object> {
  readonly #driver: object

  constructor(driver: object) {
    this.#driver = driver
  }

  get(methods: object, name: string | symbol): unknown {
    if (!Object.hasOwn(methods, name)) return undefined
    const driver = this.#driver
    return (...args: readonly unknown[]): unknown => {
      const found: unknown = Reflect.get(driver, name)
      return typeof found === 'function' ? Reflect.apply(found, driver, args) : undefined
    }
  }

  has(methods: object, name: string | symbol): boolean {
    return Object.hasOwn(methods, name)
  }

  getOwnPropertyDescriptor(methods: object, name: string | symbol): PropertyDescriptor | undefined {
    const value = this.get(methods, name)
    return value === undefined ? undefined : { value, enumerable: true, configurable: true, writable: true }
  }

  set(): boolean {
    return false
  }

  defineProperty(): boolean {
    return false
  }

  deleteProperty(): boolean {
    return false
  }

  setPrototypeOf(): boolean {
    return false
  }

  preventExtensions(): boolean {
    return false
  }
}
