import type { Procedure, Step } from './procedure.ts'
import type { DocumentTrap, StepTrap, Trap } from './trap.ts'
import { buildsOnRollback } from './traps/builds.ts'
import { containerGone, jsonLines, resultLost, volumesRemoved } from './traps/containers.ts'
import {
  checksumBound,
  folderMissing,
  nameChanges,
  removesByAge,
  replacesNothing,
  sameDayOverwrites,
} from './traps/files.ts'
import { downgradeTooLate, latestPointer, variableForgotten } from './traps/images.ts'
import {
  errorsIgnored,
  failureHidden,
  passwordMissing,
  provesNothing,
  rolesMissing,
  serverLeft,
  serverNotReady,
} from './traps/postgres.ts'
import { sqliteCopyLosesRows, sqliteOldLog } from './traps/sqlite.ts'
import {
  logFormat,
  otherEnvFile,
  otherName,
  otherPort,
  pointerToLatest,
  pruneTooShallow,
} from './traps/statements.ts'
import { gpgAsks, leavesHalf, neverEnds, waitsForPerson, waitsOnce } from './traps/waiting.ts'

const ofSteps: readonly StepTrap[] = [
  containerGone,
  volumesRemoved,
  resultLost,
  buildsOnRollback,
  jsonLines,
  variableForgotten,
  downgradeTooLate,
  latestPointer,
  sqliteCopyLosesRows,
  sqliteOldLog,
  rolesMissing,
  provesNothing,
  errorsIgnored,
  failureHidden,
  serverNotReady,
  serverLeft,
  passwordMissing,
  nameChanges,
  sameDayOverwrites,
  replacesNothing,
  folderMissing,
  checksumBound,
  removesByAge,
  neverEnds,
  waitsForPerson,
  waitsOnce,
  leavesHalf,
  gpgAsks,
]

const ofDocument: readonly DocumentTrap[] = [
  logFormat,
  otherEnvFile,
  otherName,
  otherPort,
  pointerToLatest,
  pruneTooShallow,
]

/** Every name that a trap may have. */
export const trapNames: readonly string[] = [...ofSteps, ...ofDocument].map(({ name }) => name)

/** The traps of a document, in the order of its lines. */
export function trapsIn(document: Procedure): readonly Trap[] {
  const procedures = Map.groupBy(document.steps, ({ procedure }: Step) => procedure?.line ?? 0)
  return [
    ...[...procedures.values()].flatMap((steps) =>
      ofSteps.flatMap(({ name, cure, find }) =>
        find(steps).map(({ at, reason }) => ({ name, cure, reason, line: at.line, text: at.text })),
      ),
    ),
    ...ofDocument.flatMap(({ name, cure, search }) =>
      search(document).map((found) => ({ name, cure, ...found })),
    ),
  ].sort((one, other) => one.line - other.line)
}
