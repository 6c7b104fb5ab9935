import { oneLine } from '../kernel/sanitize.ts'
import type { PlannedStep } from '../model/plan.ts'
import type { Agenda, Todo } from '../run/engine/agenda.ts'
import type { Ended } from '../run/engine/perform.ts'

/** The title of a todo on the screen. */
export function titleOf(act: Agenda['act'], todo: Todo): string {
  switch (todo.do) {
    case 'together':
      return `In parallel: ${oneLine(todo.title)}`
    case 'pivot':
      return `Point of no return: ${oneLine(todo.because)}`
    case 'undo':
      return `Rolling back: undo ${oneLine(todo.step.title)}`
    case 'settle-doubt':
      return `${oneLine(todo.step.title)} (interrupted; ${settling(todo.step.reversal)})`
    default:
      return act === 'lastly' ? `At the end: ${oneLine(todo.step.title)}` : oneLine(todo.step.title)
  }
}

const settling = (reversal: PlannedStep['reversal']): string =>
  reversal === 'not needed' ? 'running it again' : 'checking whether it took effect'

/** What is added to the title after success. */
export function endingOf(ended: Extract<Ended, { ok: true }>): string {
  if (ended.as === 'already') return ' (already done)'
  return ended.as === 'recovered' ? ' (took effect before the interruption)' : ''
}
