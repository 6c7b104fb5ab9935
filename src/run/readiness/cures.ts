import { shellWord } from '../../kernel/shell-quote.ts'
import type { Subject } from './check.ts'

const restoring = 'full-db-rollback'

/** The command that restores the newest backup; null if the runbook does not fit the target. */
export const restoreOf = ({ plans, target }: Pick<Subject, 'plans' | 'target'>): string | null =>
  plans.some(({ book }) => book.name === restoring)
    ? `runbook run ${restoring} --target ${shellWord(target.name)}`
    : null

const pruning = 'prune'

/** The command that removes what is old, with the words around it; empty where the runbook does not fit the target. */
export const pruneOf = ({ plans, target }: Pick<Subject, 'plans' | 'target'>, then: string): string =>
  plans.some(({ book }) => book.name === pruning)
    ? `runbook run ${pruning} --target ${shellWord(target.name)}${then}`
    : ''
