import type { Json, JsonObject } from '../../src/kernel/json.ts'
import { runbook, type Script } from '../../src/model/runbook.ts'
import type { AnyParam } from '../../src/model/param.ts'
import { defineStep, type Call } from '../../src/model/step.ts'
import type { Section, Target } from '../../src/model/target.ts'
import type { Runbook } from '../../src/model/runbook.ts'

export const target = {
  name: 'bare',
  title: 'Bare',
  objectives: { rtoSeconds: null, rpoSeconds: null },
  settings: {},
} as unknown as Target

/** Gives whatever it is told, and takes anything. */
export const look = defineStep<
  JsonObject,
  { readonly name: string; readonly ok: boolean; readonly parts: { readonly size: number } }
>({
  kind: 'bare.look',
  version: 1,
  effect: 'observe',
  describe: (input) => `Looks at ${Object.keys(input).join(', ')}.`,
  run: async () => ({ name: 'it', ok: true, parts: { size: 1 } }),
})

export const change = defineStep<JsonObject, { readonly name: string }>({
  kind: 'bare.change',
  version: 1,
  effect: 'change',
  describe: () => 'Changes it.',
  survey: async () => null,
  run: async () => ({ name: 'it' }),
  probe: async () => ({ is: 'absent' }),
  undo: async () => undefined,
})

export const forGood = defineStep<JsonObject, { readonly name: string }>({
  kind: 'bare.for-good',
  version: 1,
  effect: 'destroy',
  irreversible: 'it is gone then',
  describe: () => 'Destroys it.',
  survey: async () => null,
  run: async () => ({ name: 'it' }),
  probe: async () => ({ is: 'absent' }),
})

type Loose = Script<{ readonly [name: string]: AnyParam }, Section>

/** Scripts that the types would refuse too: the recorder stands by itself, for JavaScript and for casts. */
export function book(
  record: (script: Loose) => unknown,
  params: { readonly [name: string]: AnyParam } = {},
): Runbook {
  return runbook(
    'bare',
    { title: 'Bare', when: 'Never.', needs: [], params },
    record as unknown as (script: unknown) => void,
  )
}

export const loosely = (value: unknown): Call<Json> => value as Call<Json>
