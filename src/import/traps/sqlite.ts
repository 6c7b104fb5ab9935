import { inContainer } from '../docker.ts'
import type { Step } from '../procedure.ts'
import type { StepTrap } from '../trap.ts'

const isDatabase = (path: string): boolean => /\.(db|sqlite|sqlite3|db3)$/i.test(path)
const isAside = (path: string): boolean =>
  /backup|bak\b|dump|restore|snapshot|copy|\btmp\b|staging|archive|\$\(|`|\d{8}/i.test(path)

/** What a copy reads and writes: `cp`, `docker cp`, `rsync`, `scp`, `install`. */
export function copied(step: Step): { readonly from: string; readonly to: string } | null {
  const { main, docker } = step
  const operands =
    docker?.verb === 'cp'
      ? docker.operands
      : ['cp', 'rsync', 'scp', 'install'].includes(main.program)
        ? main.args.filter((arg) => !arg.startsWith('-'))
        : []
  const [from, to] = operands
  return from === undefined || to === undefined || operands.length !== 2 ? null : { from, to }
}

/** A database that an application has open, by its path: no copy, backup or folder for them. */
export const isLiveDatabase = (path: string): boolean =>
  isDatabase(path) && (inContainer(path) !== null || !isAside(path))

/** Whether an earlier step of the procedure deals with the log beside a database. */
const handlesLog = (steps: readonly Step[], path: string): boolean => {
  const name = (inContainer(path)?.path ?? path).replace(/^.*\//, '')
  return steps.some(
    ({ text }) =>
      text.includes(`${name}-wal`) ||
      text.includes(`${name}*`) ||
      text.includes(`${name}-*`) ||
      /wal_checkpoint/i.test(text),
  )
}

export const sqliteCopyLosesRows: StepTrap = {
  name: 'sqlite-copy-loses-rows',
  cure: `copy with "sqlite3 FILE '.backup COPY'"; the step keepVolumeDatabase does, through SQLite's online backup`,
  find: (steps) =>
    steps.flatMap((at) => {
      const copy = copied(at)
      return copy !== null && isLiveDatabase(copy.from) && !handlesLog(steps, copy.from)
        ? [
            {
              at,
              reason: 'in WAL mode committed rows are in the -wal file beside it, which this copy leaves out',
            },
          ]
        : []
    }),
}

export const sqliteOldLog: StepTrap = {
  name: 'sqlite-old-log',
  cure: 'remove the -wal and -shm files of the replaced database while nothing has it open; the steps swapDatabase and swapVolumeDatabase do',
  find: (steps) =>
    steps.flatMap((at) => {
      const copy = copied(at)
      return copy !== null &&
        isLiveDatabase(copy.to) &&
        !isLiveDatabase(copy.from) &&
        !handlesLog(steps, copy.to)
        ? [
            {
              at,
              reason:
                'an old -wal file beside it is replayed over the restored file: old data comes back, and integrity_check says ok',
            },
          ]
        : []
    }),
}
