/** The public surface: all that steps/ and runbooks/ may import. */
export { runbook, type About, type Patience, type Runbook, type Script } from './model/runbook.ts'
export { defineConfig, type Config, type TargetConfig } from './config/define.ts'
export { secret } from './config/secret.ts'
export { param, type Param } from './model/param.ts'
export { flagsFor, reasonToSkip } from './model/answer.ts'
export { say } from './model/say.ts'
export { isKnown, isPending, pending, type Pending, type Preview } from './model/pending.ts'
export {
  defineStep, type Act, type Ask, type Call, type Effect, type Finding, type Found, type Io, type Look, type Need, type Prediction, type RunFacts, type Standing,
} from './model/step.ts'
export { maybe, type Output, type Ref, type Wired } from './model/ref.ts'
export type {
  Assertion, Bundle, Checklist, DataArchive, KeyFile, Objectives, OneOff, Registered, Retention, Section, Target, TargetName, TargetWith,
} from './model/target.ts'
export { RunbookError, failureOf, type Code, type Failure } from './kernel/errors.ts'
export { canonical, digestOf, sameJson, type Json, type JsonObject } from './kernel/json.ts'
export { Secret } from './kernel/secret.ts'
export { stamp } from './kernel/clock.ts'
export type { Drivers, Views } from './drivers/drivers.ts'
export type { ArchiveFacts, ArchiveLimits, Packed, Packing } from './drivers/archives.ts'
export type { Backup, BackupPlace, Verified } from './drivers/backups.ts'
export type { Command } from './drivers/commands.ts'
export type { Copy, Database, Dump, Fingerprint, Fit, Identity, Session } from './drivers/databases.ts'
export type { HealthCheck, HttpAnswer } from './drivers/http.ts'
export type { ArchivedImage, Image } from './drivers/images.ts'
export type { Answer, Question } from './drivers/people.ts'
export type { SecretHandle } from './drivers/secrets.ts'
export type { Instance, ServiceGroup, ServiceState, Stack, StackFacts } from './drivers/services.ts'
