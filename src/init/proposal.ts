import { isAbsolute, posix, relative } from 'node:path'
import type { Json, JsonObject } from '../kernel/json.ts'
import { shellWord } from '../kernel/shell-quote.ts'
import { backupsIn } from './backups.ts'
import { elsewhere, postgresIn, unkeptDataOf, unsupportedIn, type PostgresChoice } from './database.ts'
import type { BackupFolder, Facts, ProjectFacts, SqliteFile } from './facts.ts'
import { healthOf } from './health.ts'
import { isIdle, kindOf, oneOffs } from './roles.ts'
import { sharing, unkeptPathsOf } from './sqlite.ts'
import { writersOf } from './writers.ts'

/** What the configuration gets to say. */
export type Proposal = {
  readonly targets: readonly ProposedTarget[]
  /** What people should know, beside the configuration. */
  readonly remarks: readonly string[]
}

export type ProposedTarget = {
  readonly name: string
  /** The Compose project, by which a target of an existing configuration is recognised; null without one. */
  readonly project: string | null
  readonly sections: readonly ProposedSection[]
}

export type ProposedSection = {
  readonly name: string
  readonly value: Json
  /** Why it is not certain; null if it is known. */
  readonly guessed: string | null
  readonly questions: readonly Question[]
}

/** What only a person can know, with what was guessed as the answer. */
export type Question = {
  readonly text: string
  /** Where the answer goes in the value of the section. */
  readonly at: readonly (string | number)[]
  readonly as: 'text' | 'names'
  readonly guess: string
}

export function proposalOf(facts: Facts): Proposal {
  if (facts.databases.length > 0) return localProposal(facts)
  const found = facts.projects.map((project) => ({ project, parts: partsOf(project, facts.folder) }))
  const taken = new Set<string>()
  const withDatabase = found.filter(({ parts }) => parts.hasDatabase)
  const used = withDatabase.length > 0 ? withDatabase : found
  const targets = used.flatMap(({ project, parts }) =>
    parts.targets.map(({ suffix, sections }) => {
      const base = nameOf(project.platform?.title ?? project.name)
      const wanted = parts.targets.length > 1 ? nameOf(`${base}-${suffix}`) : base
      const name = free(wanted, taken)
      taken.add(name)
      return { name, project: project.name, sections }
    }),
  )
  return { targets, remarks: [...facts.remarks, ...found.flatMap(({ parts }) => parts.remarks)] }
}

/** SQLite without containers: how the application is stopped cannot be seen, and is left to people. */
function localProposal({ folder, databases, remarks }: Facts): Proposal {
  const taken = new Set<string>()
  const targets = databases.map(({ file, backups }) => {
    const base = posix.basename(file, posix.extname(file))
    const name = free(nameOf(databases.length > 1 ? base : posix.basename(folder)), taken)
    taken.add(name)
    const wanted = [base, posix.basename(folder)]
    const saved = backupsSection(backups, folder, { name: base, wanted, engine: 'sqlite' })
    return {
      name,
      project: null,
      sections: [
        section('database', { engine: 'sqlite', file: shown(file, folder) }),
        saved,
        ...(isPacked(saved) ? [section('staging', './staging')] : []),
      ],
    }
  })
  return {
    targets,
    remarks: [
      ...remarks,
      'how the application is stopped and started cannot be seen: backups are tested without it; full-db-rollback also needs `stack`, `writers` and `health` (runbook help config stack)',
    ],
  }
}

/** Backups that are unpacked to be tested. */
const isPacked = ({ value }: ProposedSection): boolean =>
  /\.(?:gz|zst|xz|bz2|gpg|age|enc|sql)$/.test(String((value as JsonObject)['pattern']))

/** Lowercase letters, digits and single hyphens, as targets are named. */
export function nameOf(text: string): string {
  const plain = text
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
  if (plain === '') return 'main'
  return /^[a-z]/.test(plain) ? plain : `stack-${plain}`
}

function free(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted
  for (let number = 2; ; number++) if (!taken.has(`${wanted}-${number}`)) return `${wanted}-${number}`
}

type Part = { readonly suffix: string; readonly sections: readonly ProposedSection[] }

function partsOf(
  project: ProjectFacts,
  folder: string,
): {
  readonly targets: readonly Part[]
  readonly remarks: readonly string[]
  readonly hasDatabase: boolean
} {
  const { services, name } = project
  const postgres = postgresIn(services)
  const unsupported = unsupportedIn(services).map(
    ({ service, engine }) =>
      `${name}: the database of ${service} is ${engine}, which runbook cannot restore; it supports Postgres and SQLite`,
  )
  const others = postgres.flatMap(({ service, others: more, name: chosen }) =>
    more.length === 0
      ? []
      : [
          `${name}: applications also name the database ${more.join(', ')} in ${service.name}; the target is for ${chosen} only`,
        ],
  )
  const sqlite = postgres.length > 0 ? [] : project.sqlite
  const once = [...oneOffs(services)]
  const unkept = services
    .filter(
      (service) =>
        postgres.length === 0 &&
        kindOf(service) === null &&
        sqlite.every((file) => file.service !== service.name),
    )
    .flatMap((service) =>
      unkeptPathsOf(service).map(
        (path) =>
          `${name}: ${path} of ${service.name} is in no folder and in no volume with a name, so a new container begins without it; mount one there in the Compose file, then run init again`,
      ),
    )
  const unnamed = services.flatMap((service) => {
    const data = unkeptDataOf(service)
    return data === null
      ? []
      : [
          `${name}: the data of ${service.name} (${data}) is in no folder and in no volume with a name, so removing its container or renaming the project loses it; dump it, mount a named volume at ${data} in the Compose file, and restore it there`,
        ]
  })
  const remarks = [
    ...unkept,
    ...unnamed,
    ...unsupported,
    ...others,
    ...(once.length > 0 && postgres.length + sqlite.length > 0
      ? [`${name}: ${once.join(', ')} runs once and ends, so it is no writer`]
      : []),
    ...(postgres.length + sqlite.length === 0
      ? elsewhere(services).map(
          (one) =>
            `${name}: the database ${one} is outside the project; describe it with \`host\` (runbook help config database)`,
        )
      : []),
    ...(postgres.length + sqlite.length + unkept.length === 0 && unsupported.length === 0
      ? [`${name}: no database found; Postgres is recognised by its image, SQLite by its file in a mount`]
      : []),
  ]
  const targets = [
    ...postgres.map((choice) => ({
      suffix: choice.service.name,
      sections: ofPostgres(choice, project, folder),
    })),
    ...sqlite.map((file) => ({ suffix: file.service, sections: ofSqlite(file, project, folder) })),
  ]
  const unsaved = targets.filter(({ sections }) => sections.some(({ guessed }) => guessed === noBackups))
  const make = postgres
    .filter(({ service }) => unsaved.some(({ suffix }) => suffix === service.name))
    .map(
      ({ service, name: database, user }) =>
        `${name}: no backups found near the project; a dump is made with: ${dumpCommand(name, service.name, user, database)}`,
    )
  if (targets.length > 0) return { targets, remarks: [...remarks, ...make], hasDatabase: true }
  return {
    targets: [{ suffix: '', sections: ofApplication(project, folder) }],
    remarks,
    hasDatabase: false,
  }
}

const dumpCommand = (project: string, service: string, user: string, database: string): string =>
  [
    `docker compose --project-name ${shellWord(project)} exec -T ${shellWord(service)}`,
    `pg_dump -Fc -U ${shellWord(user)} ${shellWord(database)}`,
  ].join(' ') + ` > backups/${fileNameOf(database)}_$(date -u +%Y%m%dT%H%M%SZ).dump`

const section = (
  name: string,
  value: Json,
  guessed: string | null = null,
  questions: readonly Question[] = [],
): ProposedSection => ({ name, value, guessed, questions: guessed === null ? [] : questions })

function ofPostgres(
  choice: PostgresChoice,
  project: ProjectFacts,
  folder: string,
): readonly ProposedSection[] {
  const { service, name, user, guessed } = choice
  const { services, profiles } = project
  const writers = writersOf(service, services, { name, profiles })
  return [
    stackOf(project, folder),
    ...writersSection(writers),
    section('database', { engine: 'postgres', service: service.name, name, user }, guessed, [
      {
        text: `Which database of ${service.name} do the applications use?`,
        at: ['name'],
        as: 'text',
        guess: name,
      },
      {
        text: `Which role of ${service.name} may create databases?`,
        at: ['user'],
        as: 'text',
        guess: user,
      },
    ]),
    backupsSection(project.backups, folder, {
      name,
      wanted: [name, project.name, service.name],
      engine: 'postgres',
    }),
    ...healthSection(writers.names, project),
  ]
}

function ofSqlite(file: SqliteFile, project: ProjectFacts, folder: string): readonly ProposedSection[] {
  const { services, profiles } = project
  const owner = services.find(({ name }) => name === file.service)
  const once = oneOffs(services)
  const writers =
    owner === undefined
      ? [file.service]
      : sharing(
          file.path,
          owner,
          services.filter((one) => !once.has(one.name) && !isIdle(one, profiles)),
        )
  const name = posix.basename(file.path, posix.extname(file.path))
  const saved = backupsSection(project.backups, folder, {
    name,
    wanted: [name, project.name, file.service],
    engine: 'sqlite',
  })
  return [
    stackOf(project, folder),
    section('writers', writers),
    file.host === null
      ? section('volumeDatabase', { service: file.service, path: file.path })
      : section('database', { engine: 'sqlite', file: shown(file.host, folder) }),
    saved,
    ...(file.host === null || isPacked(saved) ? [section('staging', './staging')] : []),
    ...healthSection(writers, project),
  ]
}

/** Without a database, rolling back images and configuration is still possible. */
function ofApplication(project: ProjectFacts, folder: string): readonly ProposedSection[] {
  const once = oneOffs(project.services)
  const all = project.services.filter((one) => !once.has(one.name) && !isIdle(one, project.profiles))
  return [
    stackOf(project, folder),
    ...healthSection(
      all.filter(({ ports }) => ports.length > 0).map(({ name }) => name),
      project,
    ),
  ]
}

function stackOf(project: ProjectFacts, folder: string): ProposedSection {
  const { name, files, envFiles, profiles, directory, usual } = project
  return section('stack', {
    kind: 'compose',
    project: name,
    files: files.map((file) => shown(file, folder)),
    ...(usual ? {} : { directory: shown(directory, folder) }),
    ...(envFiles.length === 0 ? {} : { envFiles: envFiles.map((file) => shown(file, folder)) }),
    ...(profiles.length === 0 ? {} : { profiles }),
  })
}

/** The section wants at least one name; without one it is left out, and the runbooks that need it say so. */
const writersSection = (writers: {
  readonly names: readonly string[]
  readonly guessed: string | null
}): readonly ProposedSection[] => {
  const { names, guessed } = writers
  const question: Question = {
    text: 'Which services write to the database? (names, with commas)',
    at: [],
    as: 'names',
    guess: names.join(', '),
  }
  return names.length === 0 && guessed === null ? [] : [section('writers', names, guessed, [question])]
}

function healthSection(writers: readonly string[], project: ProjectFacts): readonly ProposedSection[] {
  const { checks, guessed } = healthOf(writers, project.services, project.answers)
  const questions = checks.flatMap((check, index): readonly Question[] =>
    'url' in check
      ? [
          {
            text: `At which address does ${check.name} say that it is healthy?`,
            at: [index, 'url'],
            as: 'text',
            guess: check.url,
          },
        ]
      : [],
  )
  return [section('health', checks as unknown as Json, guessed, questions)]
}

const noBackups = 'no backups found near the project'

type Wanted = {
  readonly name: string
  readonly wanted: readonly string[]
  readonly engine: 'postgres' | 'sqlite'
}

function backupsSection(folders: readonly BackupFolder[], folder: string, about: Wanted): ProposedSection {
  const found = backupsIn(folders, about.wanted, about.engine)
  const questions = (directory: string, pattern: string): readonly Question[] => [
    { text: 'In which folder do the backups arrive?', at: ['directory'], as: 'text', guess: directory },
    {
      text: 'How are they named? ({time} is when one was made, * any text)',
      at: ['pattern'],
      as: 'text',
      guess: pattern,
    },
  ]
  if (found === null) {
    const [directory, pattern] = [
      './backups',
      `${fileNameOf(about.name)}_{time}.${about.engine === 'postgres' ? 'dump' : 'db'}`,
    ]
    return section(
      'backups',
      { directory, pattern, checksums: 'if-present' },
      noBackups,
      questions(directory, pattern),
    )
  }
  const directory = folderShown(found.directory, folder)
  return section(
    'backups',
    {
      directory,
      pattern: found.pattern,
      ...(found.maxAge === null ? {} : { maxAge: found.maxAge }),
      ...(found.checksums ? {} : { checksums: 'if-present' }),
    },
    found.guessed,
    questions(directory, found.pattern),
  )
}

const fileNameOf = (name: string): string => name.replaceAll(/[^\w.-]/g, '-') || 'database'

/** Relative to the configuration where it is below it, so that a checkout may move; else absolute. */
function shown(path: string, folder: string): string {
  if (!isAbsolute(path)) return path
  const from = relative(folder, path)
  return from === '' ? '.' : from.split('/')[0] === '..' ? path : from
}

const folderShown = (path: string, folder: string): string => {
  const text = shown(path, folder)
  return isAbsolute(text) || text === '.' ? text : `./${text}`
}

/** A section without a value is only shown, as a comment. */
export const isEmpty = ({ value }: Pick<ProposedSection, 'value'>): boolean =>
  Array.isArray(value) && value.length === 0

/** The target with answers in place of guesses. */
export function answered(target: ProposedTarget, answers: ReadonlyMap<Question, string>): ProposedTarget {
  return {
    ...target,
    sections: target.sections.map((one) => {
      const given = one.questions.filter((question) => answers.has(question))
      if (given.length === 0) return one
      const value = given.reduce<Json>(
        (current, question) => placed(current, question.at, read(question, answers.get(question) ?? '')),
        one.value,
      )
      return { ...one, value, guessed: null, questions: [] }
    }),
  }
}

const read = ({ as }: Question, text: string): Json =>
  as === 'text' ? text.trim() : text.split(/[\s,]+/).filter((name) => name !== '')

function placed(value: Json, [key, ...rest]: readonly (string | number)[], leaf: Json): Json {
  if (key === undefined) return leaf
  if (Array.isArray(value))
    return value.map((one: Json, index) => (index === key ? placed(one, rest, leaf) : one))
  const object = value as JsonObject
  return { ...object, [key]: placed(object[key] ?? null, rest, leaf) }
}
