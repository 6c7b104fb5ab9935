import { line } from '../kernel/plain.ts'
import type { Agenda, Todo } from '../run/agenda.ts'
import type { Ended } from '../run/perform.ts'

/** What an operator reads beside the tick. */
export function titleOf(act: Agenda['act'], todo: Todo): string {
  switch (todo.do) {
    case 'together':
      return `At the same time: ${line(todo.title)}`
    case 'pivot':
      return `Point of no return: ${line(todo.because)}`
    case 'undo':
      return `Rolling back: undo ${line(todo.step.title)}`
    case 'settle-doubt':
      return `${line(todo.step.title)} (was cut off; ${todo.step.reversal === 'not needed' ? 'once more' : 'looking first whether it happened'})`
    default:
      return act === 'lastly' ? `At the end: ${line(todo.step.title)}` : line(todo.step.title)
  }
}

/** What is worth adding once it ended well. */
export function endingOf(ended: Extract<Ended, { ok: true }>): string {
  if (ended.as === 'already') return ' (was so already)'
  return ended.as === 'recovered' ? ' (had happened before the interruption)' : ''
}
