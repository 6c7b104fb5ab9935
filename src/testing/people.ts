import type { People } from '../drivers/people.ts'
import { RunbookError } from '../kernel/errors.ts'
import { answeredBeforehand, answers, flagsFor, type Answers } from '../model/answer.ts'

/** A person whose answers are prepared. */
export type FakePerson = {
  readonly name: string
  readonly atTerminal: boolean
  /** What is typed, one entry per prompt; consumed as prompts come. */
  readonly types: string[]
  readonly confirm: string | null
  readonly yes: boolean
  /** The value of the variable RESTORE_CONFIRM. */
  readonly restoreConfirm: string | null
  /** What `--answer` and `--skip` give, by duty; a skip as `skip: REASON`. */
  readonly answers?: Answers
}

/** Answers nothing: no terminal, no flags. */
export const nobody: FakePerson = {
  name: 'nobody',
  atTerminal: false,
  types: [],
  confirm: null,
  yes: false,
  restoreConfirm: null,
}

/** A person at a terminal who types these answers, in order. */
export const somebody = (...types: readonly string[]): FakePerson => ({
  ...nobody,
  name: 'somebody',
  atTerminal: true,
  types: [...types],
})

export function fakePeople(person: FakePerson, now: () => Date): People {
  const beforehand: People['reachable'] = async (question) => {
    const { phrase, acceptsEnvironment } = question
    if (question.duty !== undefined)
      return answeredBeforehand(question, person.answers ?? {}) === undefined ? null : 'flag'
    if (phrase === null ? person.yes || (person.confirm ?? '').trim() !== '' : person.confirm === phrase)
      return 'flag'
    return acceptsEnvironment && !person.atTerminal && person.restoreConfirm === 'YES' ? 'environment' : null
  }
  return {
    reachable: async (question) => (await beforehand(question)) ?? (person.atTerminal ? 'terminal' : null),
    async ask(question) {
      const answer = { by: person.name, at: now().toISOString() }
      const how = await beforehand(question)
      if (how === 'flag')
        return {
          ...answer,
          how,
          text: answeredBeforehand(question, person.answers ?? {}) ?? person.confirm ?? 'yes',
        }
      if (how === 'environment') return { ...answer, how, text: 'YES' }
      if (!person.atTerminal)
        throw new RunbookError('preflight', `cannot ask "${question.text}": no terminal`, {
          hint: question.duty === undefined ? 'add --confirm' : flagsFor(question.duty),
        })
      for (let tries = 0; tries < 3; tries++) {
        const text = person.types.shift() ?? ''
        if (answers(question, text)) return { ...answer, how: 'terminal', text }
      }
      throw new RunbookError('preflight', `cannot accept the answer to "${question.text}": wrong 3 times`, {
        hint: 'run it again',
      })
    },
  }
}
