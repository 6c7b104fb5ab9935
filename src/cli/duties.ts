import { RunbookError } from '../kernel/errors.ts'
import { nearest } from '../kernel/did-you-mean.ts'
import type { Answers } from '../model/answer.ts'
import type { Planned } from '../model/plan.ts'
import { addressOfStep } from '../model/recording.ts'

/** The repeatable flags that answer duties, with their help. */
export const answerFlags = [
  [
    '--answer <name=text>',
    'what was done for a duty of this runbook, where nobody is at a terminal; repeatable',
  ],
  ['--skip <name=reason>', 'why a duty is left out; repeatable'],
] as const

export type AnswerFlags = { readonly answer?: readonly string[]; readonly skip?: readonly string[] }

export const gather = (value: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  value,
]

/**
 * Reads the answers to a plan's duties from the flags.
 * @throws RunbookError `usage` for a flag without a name or text, a duty answered twice, or an unknown duty
 */
export function answersFrom({ answer = [], skip = [] }: AnswerFlags, { plan, steps }: Planned): Answers {
  const duties = plan.steps.flatMap(({ id, input }) => addressOfStep(steps.get(id) ?? {}, input) ?? [])
  const told = [
    ...answer.map((raw) => readOne('--answer', 'TEXT', raw)),
    ...skip.map((raw) => ({ ...readOne('--skip', 'REASON', raw), skip: true })),
  ]
  const answers: Record<string, string> = {}
  for (const { name, text, ...how } of told) {
    if (!duties.includes(name)) {
      const hint = duties.length === 0 ? 'leave it out' : `its duties are ${duties.join(', ')}`
      throw wrong(
        plan.runbook,
        `it has no duty "${name}"${nearest(name, duties, (found) => `; did you mean "${found}"?`)}`,
        hint,
      )
    }
    if (Object.hasOwn(answers, name))
      throw wrong(plan.runbook, `the duty ${name} is answered twice`, 'say once what was done, or why not')
    answers[name] = 'skip' in how ? `skip: ${text}` : text
  }
  return answers
}

function readOne(flag: string, what: string, raw: string): { readonly name: string; readonly text: string } {
  const at = raw.indexOf('=')
  const [name, text] = [raw.slice(0, at).trim(), raw.slice(at + 1).trim()]
  if (at > 0 && name !== '' && text !== '') return { name, text }
  throw new RunbookError('usage', `${flag} ${JSON.stringify(raw)} does not read NAME=${what}`, {
    hint: `write it as  ${flag} NAME='${what === 'TEXT' ? 'what was done' : 'why not'}'`,
  })
}

const wrong = (book: string, what: string, hint: string): RunbookError =>
  new RunbookError('usage', `cannot answer for ${book}: ${what}`, { hint })
