import { oneLine } from '../kernel/sanitize.ts'
import type { Plan } from '../model/plan.ts'

/** The title of the step whose log this is; the name of the log where the plan has none. */
export function titleOfLog(log: string, { steps }: Plan): string {
  const [, number, , purpose] = /^(\d+)-(.+?)(\.undo|\.ahead)?\.log$/.exec(log) ?? []
  const step = steps[Number(number) - 1]
  if (step === undefined) return oneLine(log)
  return `${{ '.undo': 'Undo of ', '.ahead': 'Check before the run: ' }[purpose ?? ''] ?? ''}${oneLine(step.title)}`
}
