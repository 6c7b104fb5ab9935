import type { Json, JsonObject } from '../kernel/json.ts'
import type { Act, ActingStep, AnyStep, Io, Look, Probing } from './step.ts'

type Conversion<I extends JsonObject, O extends Json, B extends Json> = {
  readonly kind: string
  readonly version: number
  /** Converts the input that was journaled under the old kind. */
  input(journaled: JsonObject): I
  /** Converts what its survey recorded. */
  before(journaled: Json, input: I): B
  /** Converts the output to what later steps of the old plan read. Default: unchanged. */
  output?(now: O): Json
}

/**
 * A changing step under the kind it had in an earlier version, for its `formerly`. Journaled values are
 * converted to those of the current step, so `run`, `probe` and `undo` stay the same code.
 * Surveys of the current code are journaled under `today`, which tells them from those of the old code.
 */
export function formerKind<I extends JsonObject, O extends Json, B extends Json>(
  step: ActingStep<I, O, B>,
  { kind, version, input, before, output = (now) => now }: Conversion<I, O, B>,
): AnyStep {
  const read = ({
    input: journaled,
    before: recorded,
  }: {
    readonly input: JsonObject
    readonly before: Json
  }) => {
    const now = input(journaled)
    return { input: now, before: isOfToday(recorded) ? (recorded.today as B) : before(recorded, now) }
  }
  const shared = {
    kind,
    version,
    effect: step.effect,
    ...(step.rerunnable === undefined ? {} : { rerunnable: step.rerunnable }),
    describe: () => `Does what ${kind} did.`,
    survey: async (look, journaled: JsonObject) => ({ today: await step.survey(look, input(journaled)) }),
    run: async (io, act) => output(await step.run(io, read(act))),
    probe: async (look, act: Probing<JsonObject, Json>) => {
      const found = await step.probe(look, { ...read(act), way: act.way })
      return found.is === 'done' ? { is: 'done' as const, output: output(found.output) } : found
    },
  } satisfies Partial<ActingStep<JsonObject, Json, Json>>
  const { remains, afterUndo, undoGuards } = step
  return step.undo === undefined
    ? ({ ...shared, irreversible: step.irreversible } as AnyStep)
    : ({
        ...shared,
        undo: (io, act) => step.undo(io, { ...read(act), output: undefined }),
        ...(undoGuards === undefined
          ? {}
          : {
              undoGuards: (act: Act<JsonObject, Json>) => undoGuards({ ...read(act), output: undefined }),
            }),
        ...(remains === undefined
          ? {}
          : {
              remains: (look: Look, act: Act<JsonObject, Json>) =>
                remains(look, { ...read(act), output: undefined }),
            }),
        ...(afterUndo === undefined
          ? {}
          : {
              afterUndo: (io: Io, act: Act<JsonObject, Json>) =>
                afterUndo(io, { ...read(act), output: undefined }),
            }),
      } as AnyStep)
}

const isOfToday = (recorded: Json): recorded is { readonly today: Json } =>
  typeof recorded === 'object' && recorded !== null && !Array.isArray(recorded) && 'today' in recorded
