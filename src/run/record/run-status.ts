import type { RunStatus } from '../../model/step.ts'
import { agendaOf } from '../engine/agenda.ts'
import type { Stored } from '../journal/entry.ts'
import { measuresOf } from './measures.ts'
import { stateOf } from '../journal/state.ts'

/** Status of a run for steps that report it at its end: the expected outcome and the measurements so far. */
export function runStatusOf(entries: readonly Stored[]): RunStatus {
  const agenda = agendaOf(stateOf(entries))
  const { rto, downtime, rpo } = measuresOf(entries)
  const atItsEnd = agenda.act === 'lastly' || agenda.act === 'settle'
  return {
    outcome: atItsEnd ? (agenda.outcome as RunStatus['outcome']) : 'running',
    failure: agenda.failure?.message ?? null,
    rtoSeconds: rto.seconds,
    downtimeSeconds: downtime.seconds,
    rpoSeconds: rpo.seconds,
  }
}
