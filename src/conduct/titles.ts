import { oneLine } from '../kernel/sanitize.ts'
import type { Agenda, Todo } from '../run/engine/agenda.ts'
import type { Ended } from '../run/engine/perform.ts'

/** What an operator reads beside the tick. */
export function titleOf(act: Agenda['act'], todo: Todo): string {
  switch (todo.do) {
    case 'together':
      return `At the same time: ${oneLine(todo.title)}`
    case 'pivot':
      return `Point of no return: ${oneLine(todo.because)}`
    case 'undo':
      return `Rolling back: undo ${oneLine(todo.step.title)}`
    case 'settle-doubt':
      return `${oneLine(todo.step.title)} (was cut off; ${todo.step.reversal === 'not needed' ? 'once more' : 'looking first whether it happened'})`
    default:
      return act === 'lastly' ? `At the end: ${oneLine(todo.step.title)}` : oneLine(todo.step.title)
  }
}

/** What is worth adding once it ended well. */
export function endingOf(ended: Extract<Ended, { ok: true }>): string {
  if (ended.as === 'already') return ' (was so already)'
  return ended.as === 'recovered' ? ' (had happened before the interruption)' : ''
}
