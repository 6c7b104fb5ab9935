import { defineStep, flagsFor, isPending, RunbookError, say, type Answer } from '../../src/index.ts'
import type { Assessment } from './assess-migrations.ts'

type Input = {
  /** The NAME in `--answer NAME=TEXT`. */
  readonly name: string
  readonly assessment: Assessment
}

export type MigrationClass = {
  readonly kind: 'breaking' | 'additive'
  readonly by: string
  readonly at: string
  readonly how: Answer['how']
  readonly text: string
}

/**
 * Asks a person whether a migration is `breaking` and must be undone, or `additive` and can be kept.
 * The text of the migrations only gives a hint.
 */
export const classifyMigration = defineStep<Input, MigrationClass>({
  kind: 'migrations.decide-kind',
  version: 1,
  effect: 'decide',
  addressedBy: 'name',
  leaves: [],
  describe: ({ assessment }) =>
    say`Asks whether the migration is breaking or additive; its text suggests ${isPending(assessment) ? assessment : assessment.kind}.`,
  preflight: async (look, { name }) => {
    if (isPending(name)) return []
    const duty = dutyOf(name)
    if (
      (await look.people.reachable({
        text: question,
        phrase: null,
        showing: {},
        acceptsEnvironment: false,
        duty,
      })) !== null
    )
      return []
    return [
      {
        level: 'refuse',
        about: `duty ${duty.name}`,
        answerable: true,
        problem: 'no terminal to ask whether the migration is breaking or additive',
        hint: `${flagsFor(duty)}; start the answer with breaking or additive`,
      },
    ]
  },
  predict: () => ({ output: null }),
  run: async (ask, { name, assessment }) => {
    const { from, to, kind, undone } = assessment
    const showing = {
      from,
      to,
      looks: kind,
      migrations: undone.map(
        ({ id, message, adds, breaks }) =>
          `${id} ${message}; adds ${adds.join(', ') || '–'}; breaks ${breaks.join(', ') || '–'}`,
      ),
    }
    const { by, at, how, text } = await ask.people.ask({
      text: question,
      phrase: null,
      showing,
      acceptsEnvironment: false,
      duty: dutyOf(name),
    })
    const kindGiven = /^\s*(?<kind>breaking|additive)\b/i.exec(text)?.groups?.['kind']?.toLowerCase()
    if (kindGiven !== 'breaking' && kindGiven !== 'additive') {
      throw new RunbookError('preflight', `${JSON.stringify(text)} is neither "breaking" nor "additive"`, {
        hint: 'start the answer with one of the two words; a reason may follow',
      })
    }
    if (kindGiven === 'additive')
      ask.note(
        'The migration is kept. Roll back only the application: runbook run version-rollback --schema ahead --to TAG',
      )
    return { kind: kindGiven, by, at, how, text }
  },
})

const dutyOf = (name: string) => ({ name, skippable: false })

const question =
  'Is the migration breaking (it is undone), or additive (it is kept, and only the application is rolled back)?'
