import type { Question } from '../drivers/people.ts'

/** Whether a text answers the question. Pure; every adapter asks here. */
export function answers({ phrase, duty }: Question, text: string): boolean {
  if (phrase !== null) return text === phrase
  if (text.trim() === '') return false
  if (duty === undefined || !/^\s*skip\b/i.test(text)) return true
  // "skip" without a reason, or without the colon, is no report that something was done.
  return duty.skippable && reasonToSkip(text) !== null
}

/** The reason in `skip: REASON`; null where the text says something else. */
export function reasonToSkip(text: string): string | null {
  const reason = /^\s*skip\s*:(?<reason>.*)$/is.exec(text)?.groups?.['reason']?.trim() ?? ''
  return reason === '' ? null : reason
}

/** What was said of duties on the command line, by their names. */
export type Answers = { readonly [duty: string]: string }

/** The text that stands for a duty; undefined where none does, or one that is no answer. */
export function answeredBeforehand(question: Question, given: Answers): string | undefined {
  const { duty } = question
  const text = duty === undefined || !Object.hasOwn(given, duty.name) ? undefined : given[duty.name]
  return text !== undefined && answers(question, text) ? text : undefined
}

/** What to type where nobody is at a terminal. */
export function flagsFor({ name, skippable }: NonNullable<Question['duty']>): string {
  return `add --answer ${name}='what was done'${skippable ? ` or --skip ${name}='why not'` : '; it cannot be skipped'}`
}
