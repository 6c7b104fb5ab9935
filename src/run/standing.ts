import type { Standing } from '../model/step.ts'
import { agendaOf } from './agenda.ts'
import type { Stored } from './entry.ts'
import { measuresOf } from './measures.ts'
import { stateOf } from './state.ts'

/** How a run stands, for the steps that tell of it at its end: what it will be settled as, and what can be measured so far. */
export function standingOf(entries: readonly Stored[]): Standing {
  const agenda = agendaOf(stateOf(entries))
  const { rto, downtime, rpo } = measuresOf(entries)
  const atItsEnd = agenda.act === 'lastly' || agenda.act === 'settle'
  return {
    outcome: atItsEnd ? (agenda.outcome as Standing['outcome']) : 'running',
    failure: agenda.failure?.message ?? null,
    rtoSeconds: rto.seconds,
    downtimeSeconds: downtime.seconds,
    rpoSeconds: rpo.seconds,
  }
}
