import type { Database, Databases } from '../drivers/databases.ts'
import type { Drivers } from '../drivers/drivers.ts'
import type { Orphan, Orphans } from '../drivers/orphans.ts'
import type { Scope } from '../drivers/scope.ts'
import type { ServiceGroup, Services, Stack } from '../drivers/services.ts'
import { diskBackups } from '../adapters/disk/backups.ts'
import { diskFiles } from '../adapters/disk/files.ts'
import { peopleAt, type Operator } from '../adapters/people.ts'
import { secretsFrom } from '../adapters/secrets.ts'
import { shell } from '../adapters/shell.ts'
import type { Clock } from '../kernel/clock.ts'
import { RunbookError } from '../kernel/errors.ts'
import type { Secret } from '../kernel/secret.ts'
import type { JournalView } from '../run/journal.ts'
import { late, once } from './late.ts'

export type Means = {
  readonly clock: Clock
  readonly journal: Pick<JournalView, 'read'>
  readonly register: (secret: Secret) => void
  readonly environment: { readonly [name: string]: string | undefined }
  /** Who answers, and how a question of this step reaches them. */
  operator(scope: Scope): Operator
}

/** The real world for one attempt of one step. What talks to Docker, Postgres and SQLite is loaded when a step needs it. */
export function driversFor({ clock, journal, register, environment, operator }: Means, scope: Scope): Drivers {
  const secrets = secretsFrom({ environment, register })
  const processServices = once(async () => (await import('../adapters/process/services.ts')).processServices({ scope, clock }))
  const composeServices = once(async (): Promise<Services> => {
    throw new RunbookError('usage', 'Compose stacks cannot be driven yet', { hint: 'use a stack of kind process' })
  })
  const sqlite = once(async () => (await import('../adapters/sqlite/databases.ts')).sqliteDatabases({ scope }))
  const postgres = once(async () => {
    const [{ postgresDatabases }, { execIn }] = await Promise.all([import('../adapters/postgres/databases.ts'), import('../adapters/docker/exec.ts')])
    return postgresDatabases({ shell, execIn, secrets, scope, clock })
  })
  const archives = once(async () => (await import('../adapters/disk/archives.ts')).diskArchives({ shell, scope, secrets }))
  const http = once(async () => (await import('../adapters/http.ts')).httpFor(scope, secrets))
  const commands = once(async () => (await import('../adapters/process/commands.ts')).processCommands({ scope, secrets }))
  return {
    services: late<Services>((first) => (stackIn(first).kind === 'process' ? processServices() : composeServices())),
    databases: late<Databases>((first) => ((first as Database).engine === 'sqlite' ? sqlite() : postgres())),
    backups: diskBackups({ scope, clock }),
    files: diskFiles,
    archives: late(archives),
    http: late(http),
    people: peopleAt(operator(scope), scope),
    secrets,
    commands: late(commands),
    orphans: orphansOf({ clock, journal }, scope),
  }
}

const stackIn = (first: unknown): Stack => {
  const given = first as Stack | ServiceGroup
  return 'stack' in given ? given.stack : given
}

/** What a dead run left, wherever it may live on. */
function orphansOf({ clock, journal }: Pick<Means, 'clock' | 'journal'>, scope: Scope): Orphans {
  const processes = once(async () => {
    const { processOrphans } = await import('../adapters/process/orphans.ts')
    return processOrphans({
      scope,
      clock,
      journaled: async (run) => (await journal.read(run)).flatMap(({ entry }) => (entry.type === 'spawned' ? [{ child: entry.child, step: entry.step }] : [])),
    })
  })
  const all = async (ask: (orphans: Orphans) => Promise<readonly Orphan[]>): Promise<readonly Orphan[]> => ask(await processes())
  return { find: (run) => all((orphans) => orphans.find(run)), end: (run) => all((orphans) => orphans.end(run)) }
}
