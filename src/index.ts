/** The public API: all that steps/ and runbooks/ may import. */
export { runbook, type About, type Runbook, type Script, type StepOptions } from './model/runbook.ts'
export { defineConfig, type Config, type TargetConfig } from './config/define.ts'
export { secret } from './sections/parts/secret.ts'
export type { Conclusion } from './model/conclusion.ts'
export { flagOf, param, type Param } from './model/param.ts'
export { flagsFor, reasonToSkip } from './model/answer.ts'
export { bringUpLine, servicesBehind } from './model/behind-address.ts'
export { composeLine } from './model/compose-line.ts'
export {
  dataVolumeFindings,
  runsInService,
  unkeptFinding,
  type DatabaseInService,
} from './model/data-volumes.ts'
export { formerKind } from './model/former-kind.ts'
export {
  differencesOf,
  readVariable,
  variablesOf,
  withoutVariable,
  withVariable,
  type EnvVariables,
} from './formats/env-file.ts'
export { composeLookup } from './formats/compose-environment.ts'
export type { Lookup as EnvLookup } from './formats/env-expansion.ts'
export { say } from './model/say.ts'
export { isKnown, isPending, pending, type Pending, type Preview } from './model/pending.ts'
export {
  defineStep,
  type ActingStep,
  type AnyStep,
  type Act,
  type Ask,
  type Call,
  type DutyRecord,
  type Effect,
  type Finding,
  type ProbeResult,
  type Io,
  type Look,
  type Need,
  type Prediction,
  type RowsBeforeAndAfter,
  type PlanFacts,
  type RunFacts,
  type RunStatus,
  type StepFunction,
  type UndoGuard,
  type Remaining,
} from './model/step.ts'
export { maybe, type Output, type Ref, type Wired } from './model/ref.ts'
export type { ScriptCommand, ScriptOptions, ScriptOutput, Shell } from './scripts/dollar.ts'
export { defineScript, type ActingScript, type LookingScript, type ScriptStep } from './model/script.ts'
export { sectionsOf } from './model/target.ts'
export type { Objectives, Registered, Section, Target, TargetName, TargetWith } from './model/target.ts'
export type * from './sections/index.ts'
export { excludedWithParents } from './formats/exclusion.ts'
export { checksumList, checksumFor, type Checksum } from './formats/checksum-list.ts'
export { readTime, timeSource } from './formats/file-time.ts'
export { backupPattern } from './formats/backup-pattern.ts'
export {
  cacheOf,
  isRemote,
  mustBeHere,
  openingOf,
  placeName,
  type RemotePlace,
} from './model/backup-place.ts'
export {
  checksItself,
  expectedOf,
  findBackup,
  listBackups,
  undatedBackups,
  vouchingFor,
  type StoredBackup,
  type Vouching,
} from './model/stored-backups.ts'
export { imageOfMajor, throwawayImage } from './model/throwaway-image.ts'
export { emptyHint } from './formats/empty-backup.ts'
export { oldHint, takenText, tooOld, whenTaken } from './formats/backup-age.ts'
export {
  RunbookError,
  cannot,
  downOf,
  failureOf,
  type Code,
  type ErrorParts,
  type Failure,
} from './kernel/errors.ts'
export { manifestFiles, mustBeFrom, UntrustedKey } from './formats/backup-manifest.ts'
export { canonical, digestOf, sameJson, sha256, type Json, type JsonObject } from './kernel/json.ts'
export { partsOfName, qualifiedName, sqlName } from './kernel/qualified-name.ts'
export { Secret } from './kernel/secret.ts'
export type { OptionalPackage } from './kernel/optional-packages.ts'
export { shellWord } from './kernel/shell-quote.ts'
export { filledIn } from './formats/filled-in.ts'
export { placeholdersOf, postOf } from './formats/message-format.ts'
export { stamp } from './kernel/clock.ts'
export type { Drivers, Views } from './drivers/drivers.ts'
export type {
  ArchiveFacts,
  ArchiveLimits,
  Encrypted,
  Unwrapped,
  Unwrapping,
  FoundMember,
  Packed,
  Packing,
} from './drivers/archives.ts'
export type {
  Backup,
  BackupPlace,
  BackupSource,
  CompleteFile,
  Expected,
  RowCount,
  SidecarFiles,
  SignedManifest,
  Statement,
  Verified,
} from './drivers/backups.ts'
export type { Command } from './drivers/commands.ts'
export type { ContainerMount, Throwaway, ThrowawayFacts } from './drivers/containers.ts'
export type {
  Cell,
  Copy,
  Database,
  Attachment,
  Contents,
  Dump,
  DumpContents,
  DumpFormat,
  DumpHeader,
  UnpackedDump,
  ExactDump,
  ExclusiveView,
  Fingerprint,
  Fit,
  Identity,
  Listing,
  ReadExclusively,
  SwapNames,
  Opening,
  RowChoice,
  Session,
  TableRowCount,
  TableRows,
  ThrowawayDatabase,
  ChangeNeedingRights,
  MissingRight,
  Unreadable,
} from './drivers/databases.ts'
export { isExact } from './drivers/databases.ts'
export type { Wrapping } from './drivers/wrapping.ts'
export type { RestoreRights } from './drivers/restore-rights.ts'
export type { FileFacts, MountFacts, TreeFacts } from './drivers/files.ts'
export type { Commit, Dirt, Head } from './drivers/git.ts'
export type { AnyHealthCheck, HealthCheck, HttpAnswer, HttpText } from './drivers/http.ts'
export { isOwnCheck } from './drivers/http.ts'
export type { ArchivedImage, Image } from './drivers/images.ts'
export type { Leftover } from './drivers/leftover.ts'
export type { MigrationHistory, MigrationTool, Revision } from './drivers/migrations.ts'
export type { Answer, Question } from './drivers/people.ts'
export type {
  BorgStore,
  FetchedObject,
  RcloneStore,
  ResticStore,
  S3Store,
  Store,
  StoredDigest,
  StoredObject,
} from './drivers/places.ts'
export type { Asset, Draft, HostedRelease, ReleaseHost } from './drivers/releases.ts'
export type { SecretHandle } from './drivers/secrets.ts'
export type {
  ComposeStack,
  Creation,
  Declared,
  DeclaredChange,
  DeclaredVariables,
  Drift,
  FileEdit,
  Instance,
  InstanceCounts,
  Mount,
  SeenFile,
  ServiceGroup,
  ServiceState,
  Stack,
  StackFacts,
  Variables,
  OwnHealthCheck,
  UnkeptData,
} from './drivers/services.ts'
export { whyNotHealthy } from './drivers/services.ts'
export type { FileDigest, Ownership, VolumeFacts, VolumePath } from './drivers/volumes.ts'
