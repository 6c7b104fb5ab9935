import type { Database, Databases, PostgresDatabase } from '../drivers/databases.ts'
import type { Drivers } from '../drivers/drivers.ts'
import type { Orphans } from '../drivers/orphans.ts'
import type { Scope } from '../drivers/scope.ts'
import type { Secrets } from '../drivers/secrets.ts'
import type { ServiceGroup, Services, Stack } from '../drivers/services.ts'
import type { ComposeAnswers } from '../adapters/docker/compose.ts'
import { diskBackups } from '../adapters/disk/backups.ts'
import { diskFiles, diskFilesFor } from '../adapters/disk/files.ts'
import { peopleAt, type Operator } from '../adapters/terminal/people.ts'
import { withPackage } from '../adapters/environment/optional-packages.ts'
import { secretsFrom } from '../adapters/environment/secrets.ts'
import type { KeptPrograms } from '../adapters/process/kept-programs.ts'
import { shell } from '../adapters/process/shell.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Secret } from '../kernel/secret.ts'
import type { JournalView } from '../run/journal/journal.ts'
import { orphanScope } from '../run/engine/orphan-scope.ts'
import { lazyDriver, once } from './lazy.ts'

export type DriverDeps = {
  readonly clock: Clock
  readonly journal: Pick<JournalView, 'read'>
  readonly register: (secret: Secret) => void
  /** The state folder, with the keys that sign and verify manifests of backups. */
  readonly state: string
  /** Name and version of this program. */
  readonly program: string
  readonly environment: { readonly [name: string]: string | undefined }
  /** Clients of databases, kept from one attempt to the next. */
  readonly programs: KeptPrograms
  /** `once`: for a look that changes nothing, where Docker answers each question once. */
  readonly asks?: 'once'
  /** What Compose has answered to the looks before this one; null asks it again. */
  readonly composeAnswers?: ComposeAnswers | null
  /** Who answers, and how a question of this step reaches them. */
  operator(scope: Scope): Operator
}

/**
 * The real drivers for one attempt of one step. Adapters for Docker, Postgres and SQLite are loaded on first
 * use.
 */
export function driversFor(
  {
    clock,
    journal,
    register,
    state,
    program,
    environment,
    programs,
    operator,
    asks,
    composeAnswers: answers = null,
  }: DriverDeps,
  scope: Scope,
): Drivers {
  const secrets = secretsFrom({ environment, register })
  const docker = once(async () => {
    const { dockerEngine } = await import('../adapters/docker/connection.ts')
    if (asks !== 'once') return dockerEngine()
    return (await import('../adapters/docker/asked-once.ts')).askedOnce(dockerEngine())
  })
  const composeStacks = once(async () => {
    const { composeServices } = await import('../adapters/docker/services.ts')
    return composeServices({ scope, engine: await docker(), answers })
  })
  const processStacks = once(async () =>
    (await import('../adapters/process/services.ts')).processServices({ scope, clock }),
  )
  const sqlite = once(async () => {
    const [{ sqliteDatabases }, { unwrapWith }] = await Promise.all([
      import('../adapters/sqlite/databases.ts'),
      import('../adapters/unwrap/unwrap.ts'),
    ])
    return sqliteDatabases({ scope, programs, unwrap: unwrapWith({ shell, secrets }) })
  })
  const postgres = once(async () => {
    const [{ postgresDatabases }, { execAtDatabase }] = await Promise.all([
      import('../adapters/postgres/databases.ts'),
      import('../adapters/docker/exec.ts'),
    ])
    const engine = await docker()
    return postgresDatabases({
      shell,
      execIn: (place, call, within) => execAtDatabase(place, call, within, engine),
      secrets,
      scope,
      clock,
      programs,
      oneClient: asks === 'once',
    })
  })
  const archives = once(async () =>
    (await import('../adapters/disk/archives.ts')).diskArchives({ shell, scope, secrets }),
  )
  const http = once(async () => (await import('../adapters/http/http.ts')).httpFor(scope, secrets))
  const volumes = once(async () => {
    const { dockerVolumes } = await import('../adapters/docker/volumes.ts')
    return dockerVolumes({ scope, engine: await docker() })
  })
  const commands = once(async () =>
    (await import('../adapters/process/commands.ts')).processCommands({ scope, secrets, environment }),
  )
  const images = once(async () => {
    const { dockerImages } = await import('../adapters/docker/images.ts')
    return dockerImages({ scope, engine: await docker() })
  })
  const git = once(async () => (await import('../adapters/git/git.ts')).systemGit({ shell, scope }))
  const migrations = once(async () => {
    const { composeMigrations } = await import('../adapters/docker/migrations.ts')
    return composeMigrations({ scope, engine: await docker(), answers })
  })
  const releases = once(async () =>
    (
      await withPackage('@octokit/request', ['use', 'GitHub'], () => import('../adapters/github/releases.ts'))
    ).githubReleases({ scope, secrets, clock }),
  )
  const places = once(async () =>
    (await import('../adapters/places/places.ts')).storedPlaces({
      scope,
      secrets,
      register,
      shell,
      clock,
      environment,
    }),
  )
  const mail = once(async () => (await import('../adapters/mail/smtp.ts')).smtpMailer({ scope, secrets }))
  const seal = once(async () =>
    (await import('../adapters/evidence/manifest-seal.ts')).manifestSeal(state, diskFiles),
  )
  const containers = once(async () =>
    (await import('../adapters/docker/throwaways.ts')).dockerThrowaways({ scope }),
  )
  return {
    services: lazyDriver<Services>((first) =>
      stackOf(first as Stack | ServiceGroup).kind === 'process' ? processStacks() : composeStacks(),
    ),
    databases: lazyDriver<Databases>((first) =>
      (first as Database).engine === 'sqlite' ? sqlite() : postgres(),
    ),
    backups: diskBackups({ scope, clock, seal: lazyDriver(seal), files: diskFiles, program }),
    places: lazyDriver(places),
    files: diskFilesFor(scope),
    archives: lazyDriver(archives),
    http: lazyDriver(http),
    people: peopleAt(operator(scope), scope),
    secrets,
    commands: lazyDriver(commands),
    orphans: orphansOf({ clock, journal, programs }, secrets, scope),
    volumes: lazyDriver(volumes),
    images: lazyDriver(images),
    git: lazyDriver(git),
    mail: lazyDriver(mail),
    migrations: lazyDriver(migrations),
    releases: lazyDriver(releases),
    containers: lazyDriver(containers),
  }
}

const stackOf = (first: Stack | ServiceGroup): Stack => ('stack' in first ? first.stack : first)

/**
 * Leftovers of a dead run: processes, containers and database sessions. Only places where the run's steps can
 * leave something are searched.
 */
function orphansOf(
  { clock, journal, programs }: Pick<DriverDeps, 'clock' | 'journal' | 'programs'>,
  secrets: Secrets,
  scope: Scope,
): Orphans {
  const placesOf = async (run: string): Promise<Orphans> => {
    // They bear the run's tags too.
    await programs.end()
    const entries = await journal.read(run)
    const [{ allOrphans }, { processOrphans }] = await Promise.all([
      import('../adapters/process/all-orphans.ts'),
      import('../adapters/process/orphans.ts'),
    ])
    const { children, docker, databases } = orphanScope(entries)
    const places = [processOrphans({ scope, clock, journaled: async () => children })]
    if (docker) places.push((await import('../adapters/docker/orphans.ts')).dockerOrphans({ scope }))
    if (databases.length > 0) {
      const [{ postgresOrphans }, { execAtDatabase }, { isServiceDown }] = await Promise.all([
        import('../adapters/postgres/orphans.ts'),
        import('../adapters/docker/exec.ts'),
        import('../adapters/docker/containers.ts'),
      ])
      const isDown = async ({ via }: PostgresDatabase): Promise<boolean> =>
        via.kind === 'compose' && isServiceDown(via.stack, via.service)
      places.push(
        postgresOrphans({ databases, isDown, shell, execIn: execAtDatabase, secrets, scope, clock }),
      )
    }
    return allOrphans(places)
  }
  return {
    find: async (run) => (await placesOf(run)).find(run),
    end: async (run) => (await placesOf(run)).end(run),
  }
}
