import { basename, extname, join } from 'node:path'
import type { Database } from '../drivers/databases.ts'
import type { Stack } from '../drivers/services.ts'
import { RunbookError } from '../kernel/errors.ts'
import type { Assertion, Section, Target, TargetName } from '../model/target.ts'
import { nearest } from '../kernel/did-you-mean.ts'
import { absolute, handleOf, type BasePaths } from './base-paths.ts'
import type { ParsedConfig, SettledTarget } from './schema.ts'
import { accessOf } from './sections/access.ts'
import { composeStackOf } from './sections/compose-stack.ts'
import { configurationOf } from './sections/configuration.ts'
import { documentsOf } from './sections/documents.ts'
import { exportsOf } from './sections/exports.ts'
import { dataOf } from './sections/data.ts'
import { drillOf } from './sections/drill.ts'
import { healthOf } from './sections/health.ts'
import { imagesOf } from './sections/images.ts'
import { operatorsOf } from './sections/operators.ts'
import { placeOf } from './sections/place.ts'
import { logScanOf, metricsOf } from './sections/watch.ts'
import { publicationOf } from './sections/publication.ts'
import { deploymentsOf, imageLineOf } from './sections/deployments.ts'
import { volumeDatabaseOf } from './sections/volume-database.ts'
import { releaseFoldersOf } from './sections/release-folders.ts'
import { releaseOf } from './sections/release.ts'
import { migrationsOf } from './sections/migrations.ts'
import { versionOf } from './sections/version.ts'
import { restoreTestOf } from './sections/restore-test.ts'

/**
 * One target as runbooks see it: paths absolute, times in seconds, services joined with their stack. Pure.
 * @throws RunbookError `usage` for a name that is not configured, or a section that needs another one
 */
export function targetOf(config: ParsedConfig, name: string, bearings: BasePaths): Target {
  const raw = config.targets[name]
  if (raw === undefined || !Object.hasOwn(config.targets, name)) throw unknown(config, name)
  const path = (given: string): string => absolute(given, bearings)
  const stack = raw.stack === undefined ? undefined : stackOf(raw.stack, bearings)
  const withStack = (section: string): Stack => {
    if (stack !== undefined) return stack
    throw wrong(
      name,
      `${section} names services, and the target has no stack`,
      'say under stack where its services live',
    )
  }
  const sections: { -readonly [K in Section]?: Target[K] } = {}
  if (stack !== undefined) sections.stack = stack
  if (raw.app !== undefined) sections.app = { stack: withStack('app'), names: raw.app }
  if (raw.writers !== undefined) sections.writers = { stack: withStack('writers'), names: raw.writers }
  if (raw.database !== undefined)
    sections.database = databaseOf(name, raw.database, () => withStack('database.service'), bearings)
  if (raw.backups !== undefined) sections.backups = placeOf(raw.backups, bearings)
  if (raw.assertions !== undefined) sections.assertions = raw.assertions.map(assertionOf)
  if (raw.health !== undefined) sections.health = raw.health.map((check) => healthOf(check, bearings))
  if (raw.smoke !== undefined) sections.smoke = { stack: withStack('smoke'), ...raw.smoke }
  if (raw.retention !== undefined) {
    sections.retention = {
      dumps: path(raw.retention.dumps),
      keepOldSeconds: raw.retention.keepOld,
      dumpOld: raw.retention.dumpOld,
    }
  }
  if (raw.bundle !== undefined) {
    const { install, dryRun, environment, ...place } = raw.bundle
    sections.bundle = { place: placeOf(place, bearings), install, dryRun, environment }
  }
  if (raw.data !== undefined) sections.data = dataOf(raw.data, bearings)
  if (raw.drill !== undefined) sections.drill = drillOf(raw.drill, withStack('drill'), bearings)
  if (raw.images !== undefined) {
    sections.images = imagesOf(
      raw.images,
      () => {
        const own = withStack('images')
        if (own.kind === 'compose') return own
        throw wrong(
          name,
          'images are those of a Compose stack, and the stack is of plain processes',
          'give the environment a stack of its own',
        )
      },
      bearings,
    )
  }
  if (raw.release !== undefined) sections.release = releaseOf(raw.release, bearings)
  if (raw.releaseFolders !== undefined)
    sections.releaseFolders = releaseFoldersOf(raw.releaseFolders, withStack('releaseFolders'), bearings)
  if (raw.publication !== undefined) sections.publication = publicationOf(raw.publication, bearings)
  if (raw.staging !== undefined) sections.staging = path(raw.staging)
  if (raw.configuration !== undefined)
    sections.configuration = configurationOf(raw.configuration, withStack('configuration'), bearings)
  if (raw.access !== undefined) {
    const around = { stack, database: sections.database, app: raw.app ?? [] }
    sections.access = accessOf(raw.access, around, (what, hint) => wrong(name, what, hint), bearings)
  }
  if (raw.metrics !== undefined) sections.metrics = metricsOf(raw.metrics, bearings)
  if (raw.logScan !== undefined) sections.logScan = logScanOf(raw.logScan, withStack('logScan'))
  if (raw.operators !== undefined) sections.operators = operatorsOf(raw.operators, bearings)
  if (raw.volumeDatabase !== undefined)
    sections.volumeDatabase = volumeDatabaseOf(raw.volumeDatabase, withStack('volumeDatabase'), bearings)
  if (raw.deployments !== undefined) sections.deployments = deploymentsOf(raw.deployments, bearings)
  if (raw.duties !== undefined) sections.duties = raw.duties
  if (raw.restoreTest !== undefined) sections.restoreTest = restoreTestOf(raw.restoreTest, bearings)
  if (raw.imageLine !== undefined)
    sections.imageLine = imageLineOf(raw.imageLine, withStack('imageLine'), bearings)
  if (raw.documents !== undefined)
    sections.documents = documentsOf(raw.documents, () => withStack('documents.service'), bearings)
  if (raw.exports !== undefined) sections.exports = exportsOf(raw.exports, withStack('exports'), bearings)
  if (raw.checklist !== undefined) sections.checklist = { file: path(raw.checklist) }
  if (raw.version !== undefined) sections.version = versionOf(raw.version, withStack('version'), bearings)
  if (raw.migrations !== undefined)
    sections.migrations = migrationsOf(raw.migrations, withStack('migrations'))
  return {
    name: name as TargetName,
    title: raw.title ?? name,
    objectives: { rtoSeconds: raw.objectives.rto ?? null, rpoSeconds: raw.objectives.rpo ?? null },
    ...sections,
    settings: raw.settings as Target['settings'],
  }
}

function stackOf(raw: NonNullable<SettledTarget['stack']>, bearings: BasePaths): Stack {
  if (raw.kind === 'compose') return composeStackOf(raw, bearings)
  const path = (given: string): string => absolute(given, bearings)
  return {
    ...raw,
    directory: path(raw.directory ?? '.'),
    state: path(raw.state ?? join('.processes', raw.project)),
  }
}

function databaseOf(
  target: string,
  raw: NonNullable<SettledTarget['database']>,
  stackFor: () => Stack,
  bearings: BasePaths,
): Database {
  const path = (given: string): string => absolute(given, bearings)
  if (raw.engine === 'sqlite') {
    const file = path(raw.file)
    const name = raw.name ?? basename(file, extname(file))
    return {
      engine: 'sqlite',
      name,
      file,
      fingerprint: raw.fingerprint,
      confirmPhrase: raw.confirmPhrase ?? phrase(name, bearings.host),
    }
  }
  const { name, user, fingerprint } = raw
  if (raw.service === undefined) {
    const host = raw.host ?? 'localhost'
    const password = raw.password === undefined ? null : handleOf(raw.password, bearings)
    const via = { kind: 'server' as const, host, port: raw.port ?? 5432, password }
    return {
      engine: 'postgres',
      name,
      user,
      via,
      fingerprint,
      confirmPhrase: raw.confirmPhrase ?? phrase(name, host),
    }
  }
  const stack = stackFor()
  if (stack.kind !== 'compose') {
    throw wrong(
      target,
      'database.service names a service of a Compose stack, and the stack is of plain processes',
      'give database.host instead',
    )
  }
  return {
    engine: 'postgres',
    name,
    user,
    via: { kind: 'compose', stack, service: raw.service },
    fingerprint,
    confirmPhrase: raw.confirmPhrase ?? phrase(name, bearings.host),
  }
}

const phrase = (name: string, host: string): string => `restore ${name} on ${host}`

function assertionOf({
  name,
  sql,
  equals,
  atLeast,
  oneOf,
}: NonNullable<SettledTarget['assertions']>[number]): Assertion {
  if (equals !== undefined) return { name, sql, expect: { equals } }
  return { name, sql, expect: atLeast === undefined ? { oneOf: oneOf ?? [] } : { atLeast } }
}

function wrong(target: string, what: string, hint: string): RunbookError {
  return new RunbookError('usage', `cannot use the target ${target}: ${what}`, { hint })
}

function unknown(config: ParsedConfig, name: string): RunbookError {
  const names = Object.keys(config.targets)
  return new RunbookError(
    'usage',
    `there is no target "${name}"${nearest(name, names, (found) => `; did you mean "${found}"?`)}`,
    {
      hint: `choose one of ${names.join(', ')}, or add it to runbook.config.ts`,
    },
  )
}
