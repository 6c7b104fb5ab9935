import {
  defineStep,
  flagsFor,
  isPending,
  reasonToSkip,
  say,
  type Answer,
  type JsonObject,
} from '../../src/index.ts'

type Input = {
  /**
   * The NAME in `--answer NAME=TEXT` and `--skip NAME=REASON`: lowercase letters, digits and single
   * hyphens, unique in a runbook.
   */
  readonly name: string
  /** What a person must do, as an instruction. */
  readonly what: string
  /** Whose duty it is, and how they are reached. */
  readonly who?: string | null
  /** It cannot be skipped, whatever the reason. */
  readonly required?: boolean
}

/** Who did or skipped the duty, when, and what they said about it. */
export type DutyDone = JsonObject & {
  readonly name: string
  readonly outcome: 'done' | 'skipped'
  readonly by: string
  readonly at: string
  readonly how: Answer['how']
  /** What was done, or the reason for skipping it. */
  readonly text: string
}

/**
 * Asks a person to do what no program can, and records who did it, when and how, or who skipped it and why.
 */
export const duty = defineStep<Input, DutyDone>({
  kind: 'people.duty',
  version: 1,
  effect: 'decide',
  addressedBy: 'name',
  duty: true,
  leaves: [],
  describe: ({ name, what, who }) =>
    say`Asks ${isPending(who) ? who : (who ?? 'the operator')}: ${what} (${name}).`,
  preflight: async (look, { name, what, required }) => {
    if (isPending(name) || isPending(required)) return []
    const question = questionOf({ name, what: isPending(what) ? name : what, required: required === true })
    if ((await look.people.reachable(question)) !== null) return []
    return [
      {
        level: 'refuse',
        about: `duty ${name}`,
        answerable: true,
        problem: `no terminal to ask for the duty ${name}: ${question.text}`,
        hint: flagsFor(question.duty),
      },
    ]
  },
  predict: ({ input: { name } }) => ({ output: { name } }),
  run: async (ask, input) => {
    const { by, at, how, text } = await ask.people.ask(questionOf(input))
    const reason = reasonToSkip(text)
    return {
      name: input.name,
      outcome: reason === null ? 'done' : 'skipped',
      by,
      at,
      how,
      text: reason ?? text.trim(),
    }
  },
})

const questionOf = ({ name, what, who, required }: Input) => ({
  text: what,
  phrase: null,
  showing: { duty: name, ...(who === undefined || who === null ? {} : { who }) },
  acceptsEnvironment: false,
  duty: { name, skippable: required !== true },
})
