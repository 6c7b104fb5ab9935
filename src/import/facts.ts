import type { sections } from '../sections/index.ts'
import { isArchive, isDatabaseCopy, isDump, isTransient } from './backup-paths.ts'
import { backupPlaceIn } from './backup-place.ts'
import { settingOf } from './configured.ts'
import { inContainer } from './docker.ts'
import { literal, type Written } from './literal.ts'
import type { Procedure, Step } from './procedure.ts'
import { clientOptions } from './traps/postgres.ts'
import { hostDatabaseIn } from './host-database.ts'
import { folderMovedBy } from './moved-folder.ts'
import { asks } from './recognisers/looking.ts'
import { copied } from './traps/sqlite.ts'

export type SectionName = keyof typeof sections

/** What the target of an import has: the settings, and what of them the document does not have. */
export type ProposedSection = { readonly code: string; readonly guessed: string | null }

/** What a document says about the system that it is for. */
export type Facts = {
  /** Its services, without one-off ones. */
  readonly services: readonly string[]
  /** Those that it stops before it replaces something; all of them where it stops none. */
  readonly writers: readonly string[]
  /** The SQLite file that it copies into or out of a container. */
  readonly volume: { readonly service: string; readonly path: string } | null
  /** The SQLite file of this machine that it restores, copies or asks; null where it names none, or has Postgres. */
  readonly file: string | null
  section(name: SectionName): ProposedSection
}

const oneOff = /test|smoke|check|verify|e2e/i
const isLiteral = (text: string): boolean => !/[$`<*{]/.test(text)

/**
 * The Compose files that are in a folder of this machine, as the configuration is to name them; null: the folder of the
 * configuration. None where it has none, or is on another machine.
 */
export type ComposeFilesIn = (folder: string | null) => readonly string[]

export function factsOf(procedure: Procedure, composeFilesIn: ComposeFilesIn): Facts {
  const { parts, steps } = procedure
  const text = parts.map((part) => part.text).join('\n')
  const composes = steps.flatMap(({ compose }) => (compose === null ? [] : [compose]))
  const files = distinct(composes.map(({ global }) => global.value('file', 'f')))
  const envFiles = distinct(composes.map(({ global }) => global.value('env-file')))
  const named = distinct(composes.flatMap(({ services }) => services)).filter((name) => !oneOff.test(name))
  const services = named.length > 0 ? named : ['app']
  const stopped = distinct(
    composes.filter(({ verb }) => verb === 'stop').flatMap((one) => one.services),
  ).filter(isLiteral)
  const client = databaseIn(steps)
  const others = services.filter((name) => name !== client.service)
  const applications = others.length > 0 ? others : ['app']
  const writers = stopped.length > 0 ? stopped : applications
  const volume = volumeIn(steps, services)
  const migrating = steps.find(({ program }) => program.program === 'alembic')?.program.inside ?? null
  const home = steps.find(({ main }) => main.program === 'cd')?.main.args[0] ?? null
  const base = home !== null && home.startsWith('/') && isLiteral(home) && !isTransient(home) ? home : null
  const placed = (path: string): string =>
    base !== null && !/^[/~]/.test(path) ? `${base}/${path.replace(/^\.\//, '')}` : path
  const [file] = files
  const present = file === undefined ? composeFilesIn(base) : []
  const urls = distinct(text.match(/https?:\/\/[^\s"'`)>\]]+/g) ?? []).filter(isLiteral)
  const paths = distinct(
    [...text.matchAll(/(?<![\w/])\/[\w/-]*(?:health|ready|live)\w*/g)].map(([path]) => path),
  )
  const health = urls.filter((url) => /health|ready|live/.test(new URL(url).pathname))
  // Without an address that says so, what the document asks for an answer is how it knows that the service is up.
  const answering =
    health.length > 0
      ? health
      : distinct(steps.filter(asks).flatMap(({ program }) => program.args)).filter(
          (arg) => /^https?:/.test(arg) && isLiteral(arg) && URL.canParse(arg) && !/metrics/.test(arg),
        )
  const env =
    distinct(text.match(/(?<![\w/])\.env(?:\.[a-z]+)?(?![\w.-])/g) ?? [])[0] ?? envFiles[0] ?? '.env'
  const hasPostgres = client.service !== null || client.name !== null
  const own = volume === null && !hasPostgres ? hostDatabaseIn(steps) : null
  const database = volume?.path.replace(/^.*\//, '').replace(/\.\w+$/, '') ?? null
  const sqlite = volume !== null || own !== null
  const backups = backupPlaceIn(procedure, sqlite ? isDatabaseCopy : isDump, sqlite ? '.db' : '.dump')
  const tagged = steps.some(({ main, compose }) => compose !== null && main.variables.size > 0)
  const [image] = distinct(steps.flatMap(imagesIn)).filter(isLiteral)

  const known = (code: Written, guessed: string | null = null): ProposedSection => ({
    code: literal(code),
    guessed,
  })
  const assumed = known
  const proposed: { readonly [name in SectionName]?: () => ProposedSection } = {
    stack: () =>
      known(
        {
          kind: 'compose',
          files:
            file !== undefined
              ? [placed(file)]
              : present.length > 0
                ? present
                : [placed('docker-compose.yml')],
          envFiles:
            envFiles.length > 0
              ? envFiles.map(placed)
              : tagged || migrating !== null
                ? [placed('.env')]
                : undefined,
        },
        files.length > 1
          ? `the document also uses ${files.slice(1).join(', ')}`
          : file === undefined && present.length === 0
            ? 'the document names no Compose file'
            : null,
      ),
    writers: () =>
      known(
        [...writers],
        named.length > 0 && others.length + stopped.length > 0
          ? null
          : 'the document names no services that write',
      ),
    app: () => known([...applications]),
    health: () =>
      answering.length > 0
        ? known(answering.map((url) => ({ name: nameOf(url), url })))
        : assumed(
            (paths.length > 0 ? paths : ['/health']).map((path) => ({
              name: nameOf(path),
              url: `http://127.0.0.1:8000${path}`,
            })),
            'the document has no host and port',
          ),
    database: () => {
      if (own !== null) return known({ engine: 'sqlite', file: placed(own) })
      const { service, name, user } = client
      const unsaid = [
        ...(service === null ? ['in which service it runs'] : []),
        ...(name === null ? ['how the database is called'] : []),
        ...(user === null ? ['which role restores it'] : []),
      ]
      return known(
        { engine: 'postgres', service: service ?? 'db', name: name ?? 'app', user: user ?? 'postgres' },
        unsaid.length === 0 ? null : `the document does not say ${unsaid.join(', ')}`,
      )
    },
    backups: () =>
      backups === null
        ? assumed(
            { directory: './backups', pattern: 'app_{time}.dump' },
            'the document names no backup with its time',
          )
        : known({ directory: placed(backups.directory), pattern: backups.pattern }, backups.guessed),
    assertions: () => {
      const asked = distinct(steps.map(countedRows))
      return asked.length > 0
        ? known(
            asked.map((sql, index) => ({
              name: `rows that the document counts${index === 0 ? '' : ` (${index + 1})`}`,
              sql,
              atLeast: 1,
            })),
            'the document counts these rows, and does not say how many there have to be',
          )
        : assumed(
            [{ name: 'rows are there', sql: 'select count(*) from alembic_version', atLeast: 1 }],
            'say what must be true of restored data',
          )
    },
    retention: () => assumed({ dumps: './backups/replaced' }, 'where replaced data is kept'),
    restoreTest: () =>
      assumed({ record: 'docs/restore-test.md' }, 'where the latest tested restore is recorded'),
    staging: () => assumed('./staging', 'where backups are unpacked'),
    volumeDatabase: () => known({ service: volume?.service ?? 'app', path: volume?.path ?? '/data/app.db' }),
    configuration: () => known({ file: placed(env), services: [...services] }),
    smoke: () =>
      known({
        service: composes.flatMap((one) => one.services).find((name) => oneOff.test(name)) ?? 'smoke-tests',
      }),
    migrations: () =>
      known(
        { service: migrating ?? applications[0] ?? 'app' },
        migrating === null ? 'the document does not say in which service alembic runs' : null,
      ),
    version: () =>
      assumed(
        {
          services: [...applications],
          variable: tagVariable(steps),
          file: placed(
            steps.map(settingOf).find((setting) => setting?.choosesImage === true)?.file ??
              envFiles[0] ??
              '.env',
          ),
          image: 'registry.example.com/app:{tag}',
        },
        'the document does not name the image',
      ),
    metrics: () => {
      const url = urls.find((one) => new URL(one).pathname.endsWith('/metrics'))
      return url === undefined
        ? assumed({ url: 'http://127.0.0.1:8000/metrics' }, 'the document has no host and port')
        : known({ url })
    },
    release: () => assumed({ name: 'app', directory: './releases' }, 'how release bundles are called'),
    publication: () => {
      const [, repository] =
        /github\.com[/:]([\w.-]+\/[\w-]+)/.exec(text) ?? /(?:--repo|-R)[ =]([\w.-]+\/[\w-]+)/.exec(text) ?? []
      return repository === undefined
        ? assumed(
            { repository: 'example/app', token: { env: 'GITHUB_TOKEN' } },
            'the document does not name the repository',
          )
        : known({ repository, token: { env: 'GITHUB_TOKEN' } })
    },
    logScan: () => known({ services: [...services] }),
    imageLine: () =>
      known({ service: services[0] ?? 'app' }, image === undefined ? null : `the document names ${image}`),
    deployments: () => known({ history: /[\w./-]*history\.\w+/.exec(text)?.[0] ?? 'deployments.txt' }),
    documents: () =>
      assumed(
        {
          service: volume?.service ?? services[0] ?? 'app',
          folder: '/data/documents',
          backups: {
            directory: placed(backups?.directory ?? './backups'),
            pattern: 'documents-{time}.tar.gz',
          },
        },
        'where the files of documents are',
      ),
    data: () => {
      const archives = backupPlaceIn(procedure, isArchive, '.tar.gz')
      const moved = steps
        .map((step, index) => folderMovedBy(step, steps.slice(0, index)))
        .find((one) => one !== null)
      // New archives need a name to begin with.
      const pattern = archives?.pattern.startsWith('*') === false ? archives.pattern : 'data-{time}.tar.gz'
      return assumed(
        {
          directory: placed(archives?.directory ?? './backups'),
          pattern,
          keyFiles: [],
          source: placed(moved ?? './data'),
        },
        moved === undefined || moved === null
          ? 'the archived folder, and the files in it that must be there'
          : 'the files in it that must be there',
      )
    },
  }
  return {
    services,
    writers,
    volume: database === null ? null : volume,
    file: own,
    section: (name) => proposed[name]?.() ?? assumed({}, 'not in the document'),
  }
}

const distinct = (texts: readonly (string | null)[]): readonly string[] => [
  ...new Set(texts.filter((text) => text !== null)),
]

const nameOf = (url: string): string =>
  /([\w-]+)\/*$/.exec(url.replace(/^\w+:\/\/[^/]*/, '').replace(/[?#].*$/, ''))?.[1] ?? 'health'

function volumeIn(steps: readonly Step[], services: readonly string[]): Facts['volume'] {
  for (const step of steps) {
    const copy = copied(step)
    const found = [copy?.from, copy?.to]
      .map((path) => (path === undefined ? null : inContainer(path)))
      .find((place) => place !== null && /\.(db|sqlite3?)$/i.test(place.path) && isLiteral(place.path))
    if (found === undefined || found === null) continue
    // A container is often named for its project and service.
    const service = services.find((name) => found.container.endsWith(name)) ?? found.container
    return { service, path: found.path }
  }
  return null
}

/** What the commands of Postgres say of the live database: those that make, fill or ask one. */
function databaseIn(steps: readonly Step[]): {
  readonly service: string | null
  readonly name: string | null
  readonly user: string | null
} {
  const clients = steps.filter(
    ({ program, docker }) =>
      ['pg_dump', 'pg_restore', 'psql'].includes(program.program) && docker?.verb !== 'run',
  )
  const said = clients.map(({ program }) => {
    const options = clientOptions(program)
    return {
      service: program.inside,
      name:
        options.value('dbname', 'd') ??
        (program.program === 'pg_restore' ? null : (options.operands.at(-1) ?? null)),
      user: options.value('username', 'U'),
    }
  })
  const first = (of: 'service' | 'name' | 'user'): string | null =>
    said.map((one) => one[of]).find((text) => text !== null && isLiteral(text) && text !== 'postgres') ??
    said.map((one) => one[of]).find((text) => text !== null && isLiteral(text)) ??
    null
  return { service: first('service'), name: first('name'), user: first('user') }
}

/** What psql or sqlite3 counts in a table of the application; whether the number is right, nobody has said. */
function countedRows({ program }: Step): string | null {
  const sql =
    program.program === 'psql'
      ? clientOptions(program).value('command', 'c')
      : program.program === 'sqlite3'
        ? program.args.at(-1)
        : null
  return /^\s*(select\s+count\(\*\)\s+from\s+[\w."]+)\s*;?\s*$/i.exec(sql ?? '')?.[1] ?? null
}

const tagVariable = (steps: readonly Step[]): string =>
  steps.map(settingOf).find((setting) => setting?.choosesImage === true)?.name ??
  steps.flatMap(({ main }) => [...main.variables.keys()]).find((name) => /TAG|VERSION|IMAGE/.test(name)) ??
  'IMAGE_TAG'

const imagesIn = ({ docker }: Step): readonly string[] => (docker?.verb === 'pull' ? docker.operands : [])
