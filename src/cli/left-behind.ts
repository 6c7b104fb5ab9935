import type { RunState } from '../run/journal/state.ts'

/**
 * Where something of a run may live on besides the processes of this machine, told from the kinds of the steps that it began. Asked of what
 * may itself be down, or let nobody in: a run that mends just that could otherwise never be taken up again.
 */
export function leftBehind({ plan, steps }: Pick<RunState, 'plan' | 'steps'>): {
  readonly inDocker: boolean
  readonly sessions: boolean
} {
  const begun = plan.steps.filter(
    ({ id, effect }) => effect !== 'decide' && (steps.get(id)?.attempts ?? 0) > 0,
  )
  const others = (families: readonly string[]): boolean =>
    begun.some(({ kind }) => !families.includes(kind.slice(0, kind.indexOf('.'))))
  return {
    inDocker: begun.length === 0 || others(onThisMachine),
    sessions: begun.length === 0 || others([...onThisMachine, ...withoutSessions]),
  }
}

/** Steps of these families leave nothing behind but on this machine. */
const onThisMachine: readonly string[] = ['host']
/** Steps of these families leave no session on a database server: at the most they ask one question, which the server ends in time. */
const withoutSessions: readonly string[] = ['access', 'services', 'http', 'records']
