import { RunbookError } from '../kernel/errors.ts'
import { nearest } from '../kernel/did-you-mean.ts'
import type { Answers } from '../model/answer.ts'
import type { Planned } from '../model/plan.ts'
import { addressOfStep } from '../model/recording.ts'

/** The repeatable flags that answer duties, with their help. */
export const answerFlags = [
  ['--answer <name=text>', 'what was done for a duty, where there is no terminal; repeatable'],
  ['--skip <name=reason>', 'why a duty is skipped; repeatable'],
] as const

export type AnswerFlags = { readonly answer?: readonly string[]; readonly skip?: readonly string[] }

export const collect = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
]

/**
 * Reads the answers to a plan's duties from the flags.
 * @throws RunbookError `usage` for a flag without a name or text, a duty answered twice, or an unknown duty
 */
export function answersFrom({ answer = [], skip = [] }: AnswerFlags, { plan, steps }: Planned): Answers {
  const duties = plan.steps.flatMap(({ id, input }) => addressOfStep(steps.get(id) ?? {}, input) ?? [])
  const given = [
    ...answer.map((raw) => parsed('--answer', 'TEXT', raw)),
    ...skip.map((raw) => ({ ...parsed('--skip', 'REASON', raw), skip: true })),
  ]
  const answers: Record<string, string> = {}
  for (const { name, text, ...how } of given) {
    if (!duties.includes(name)) {
      const hint = duties.length === 0 ? 'remove it' : `its duties: ${duties.join(', ')}`
      throw dutyError(
        plan.runbook,
        `duty "${name}" not found${nearest(name, duties, (found) => `; did you mean "${found}"?`)}`,
        hint,
      )
    }
    if (Object.hasOwn(answers, name))
      throw dutyError(plan.runbook, `duty ${name} is answered twice`, 'give one --answer or --skip for it')
    answers[name] = 'skip' in how ? `skip: ${text}` : text
  }
  return answers
}

function parsed(flag: string, what: string, raw: string): { readonly name: string; readonly text: string } {
  const at = raw.indexOf('=')
  const [name, text] = [raw.slice(0, at).trim(), raw.slice(at + 1).trim()]
  if (at > 0 && name !== '' && text !== '') return { name, text }
  throw new RunbookError('usage', `${flag} ${JSON.stringify(raw)} is not NAME=${what}`, {
    hint: `type:  ${flag} NAME='${what === 'TEXT' ? 'what was done' : 'why not'}'`,
  })
}

const dutyError = (book: string, what: string, hint: string): RunbookError =>
  new RunbookError('usage', `cannot answer the duties of ${book}: ${what}`, { hint })
