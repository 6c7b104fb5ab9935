import { RunbookError } from '../../kernel/errors.ts'

/** Runs and systems name files in the state folder. @throws RunbookError `usage` for a name that could reach out of it */
export function fileName(name: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/.test(name)) return name
  throw new RunbookError('usage', `${JSON.stringify(name)} is no name of a run or a system`, {
    hint: '`runbook history` shows the names of runs',
  })
}
