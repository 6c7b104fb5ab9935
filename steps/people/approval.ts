import { defineStep, isPending, say, type Answer, type JsonObject } from '../../src/index.ts'

type Input = {
  /** What must be typed, letter for letter: it names host and database. */
  readonly phrase: string
  readonly showing: JsonObject
  /** The question. Default: "This replaces live data." */
  readonly text?: string
  /** Whether `RESTORE_CONFIRM=YES` counts where no person is at a terminal. */
  readonly acceptsEnvironment?: boolean
}

/** Asks a person to type a phrase that names what is about to be replaced. Records who, when and how. */
export const approval = defineStep<Input, Answer>({
  kind: 'people.approval',
  version: 1,
  effect: 'decide',
  leaves: [],
  describe: ({ phrase }) => say`Asks the operator to type "${phrase}".`,
  preflight: async (look, { phrase, acceptsEnvironment, text }) => {
    if (isPending(phrase)) return []
    const how = await look.people.reachable(
      questionOf(phrase, {}, acceptsEnvironment === true, isPending(text) ? undefined : text),
    )
    if (how !== null) return []
    const other = acceptsEnvironment === true ? ', or set RESTORE_CONFIRM=YES' : ''
    return [
      {
        level: 'refuse',
        about: 'approval',
        answerable: true,
        problem: `no terminal to ask for "${phrase}", and no matching --confirm was given`,
        hint: `add --confirm '${phrase.replaceAll("'", "'\\''")}'${other}`,
      },
    ]
  },
  // Only a person can give the answer.
  predict: () => ({ output: null }),
  run: (ask, { phrase, showing, acceptsEnvironment, text }) =>
    ask.people.ask(questionOf(phrase, showing, acceptsEnvironment === true, text)),
})

const questionOf = (
  phrase: string,
  showing: JsonObject,
  acceptsEnvironment: boolean,
  text = 'This replaces live data.',
) => ({
  text,
  phrase,
  showing,
  acceptsEnvironment,
})
