import { viewOf } from '../../src/drivers/drivers.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import type { Call, Io, Look, PlanFacts, RunFacts, AnyStep, Remaining } from '../../src/model/step.ts'
import type { FakeWorld } from '../../src/testing/index.ts'
import { watchedScope } from '../fixtures/scope.ts'

export const facts: RunFacts = {
  id: '20260203-050000-abcde',
  runbook: 'full-db-rollback',
  target: 'shop',
  startedAt: '2026-02-03T05:00:00.000Z',
  story: '3.10',
  reason: null,
  by: 'ada',
  evidence: '/artifacts/3.10/run',
  standing: {
    outcome: 'succeeded',
    failure: null,
    rtoSeconds: 61.4,
    downtimeSeconds: null,
    rpoSeconds: 3600,
  },
}

/** A step with no others around it. */
export const alone: PlanFacts = { stack: null, effectBefore: false, starterOf: () => null }

export type Hands = { readonly look: Look; readonly io: Io; readonly notes: readonly string[] }

export const sentenceOf = (what: Remaining): string => (typeof what === 'string' ? what : what.kept)

/** What the engine gives a step, without the engine. */
export function handsOn(world: FakeWorld, run: Partial<RunFacts> = {}): Hands {
  const notes: string[] = []
  const scope = watchedScope()
  const moment = {
    run: { ...facts, ...run },
    clock: world.clock,
    signal: scope.signal,
    progress: () => undefined,
    note: (line: string) => void notes.push(line),
  }
  const drivers = world.drivers(scope)
  return {
    look: { ...viewOf(drivers), ...moment },
    io: { ...drivers, ...moment, remains: (what) => moment.note(sentenceOf(what)) },
    notes,
  }
}

/** A step and its input, which must hold no refs. */
export const opened = (call: unknown): { readonly step: AnyStep; readonly input: JsonObject } =>
  call as Call<never>
