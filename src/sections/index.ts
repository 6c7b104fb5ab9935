import { access } from './access.ts'
import { app } from './app.ts'
import { assertions } from './assertions.ts'
import { backups } from './backups.ts'
import { bundle } from './bundle.ts'
import { checklist } from './checklist.ts'
import { configuration } from './configuration.ts'
import { data } from './data.ts'
import { database } from './database.ts'
import { deployments } from './deployments.ts'
import { documents } from './documents.ts'
import { drill } from './drill.ts'
import { drills } from './drills.ts'
import { duties } from './duties.ts'
import { exports } from './exports.ts'
import { health } from './health.ts'
import { imageLine } from './image-line.ts'
import { images } from './images.ts'
import { logScan } from './log-scan.ts'
import { metrics } from './metrics.ts'
import { migrations } from './migrations.ts'
import { operators } from './operators.ts'
import { publication } from './publication.ts'
import { releaseFolders } from './release-folders.ts'
import { release } from './release.ts'
import { restoreTest } from './restore-test.ts'
import { retention } from './retention.ts'
import { smoke } from './smoke.ts'
import { stack } from './stack.ts'
import { staging } from './staging.ts'
import { version } from './version.ts'
import { volumeDatabase } from './volume-database.ts'
import { watch } from './watch.ts'
import { writers } from './writers.ts'

/**
 * Every section that a target may have: the only list. A new one goes to the end, because plans contain the
 * sections of their target in this order.
 */
export const sections = {
  stack,
  app,
  writers,
  database,
  backups,
  assertions,
  health,
  smoke,
  retention,
  bundle,
  data,
  drill,
  images,
  release,
  releaseFolders,
  publication,
  staging,
  configuration,
  access,
  metrics,
  logScan,
  operators,
  volumeDatabase,
  deployments,
  duties,
  restoreTest,
  imageLine,
  documents,
  exports,
  checklist,
  version,
  migrations,
  drills,
  watch,
}

type Sections = typeof sections

/** Each section as runbooks and steps see it. */
export type ResolvedSections = {
  readonly [S in keyof Sections]?: ReturnType<Sections[S]['resolve']>
}

/** The types of resolved sections, for steps. */
export type { Access, DaemonSettings, PgHba } from './access.ts'
export type { Assertion } from './assertions.ts'
export type { Bundle } from './bundle.ts'
export type { Checklist } from './checklist.ts'
export type { Configuration } from './configuration.ts'
export type { DataArchive, DataMaking, DataMount, KeyFile } from './data.ts'
export type { Deployments } from './deployments.ts'
export type { Documents, FilePlace } from './documents.ts'
export type { Drill } from './drill.ts'
export type { DueDrill } from './drills.ts'
export type { Endpoint, Exports } from './exports.ts'
export type { ImageLine } from './image-line.ts'
export type { ImageEnvironment, StackImages } from './images.ts'
export type { LogPattern, LogScan } from './log-scan.ts'
export type { Metrics } from './metrics.ts'
export type { Contact, Level, Operators } from './operators.ts'
export type { Release } from './release.ts'
export type { ReleaseFolders } from './release-folders.ts'
export type { RestoreTest } from './restore-test.ts'
export type { Retention } from './retention.ts'
export type { OneOff } from './smoke.ts'
export type { VersionPin } from './version.ts'
export type { Watch } from './watch.ts'
export type { BusinessCheck, VolumeDatabase } from './volume-database.ts'
export type { Webhook } from './parts/webhook.ts'
