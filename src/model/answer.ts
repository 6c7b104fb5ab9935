import type { Question } from '../drivers/people.ts'

/** Whether a text answers the question. Pure; shared by all adapters. */
export function answers({ phrase, duty }: Question, text: string): boolean {
  if (phrase !== null) return text === phrase
  if (text.trim() === '') return false
  if (duty === undefined || !/^\s*skip\b/i.test(text)) return true
  // "skip" without a reason or a colon does not report that something was done.
  return duty.skippable && reasonToSkip(text) !== null
}

/** The reason in `skip: REASON`; null for any other text. */
export function reasonToSkip(text: string): string | null {
  const reason = /^\s*skip\s*:(?<reason>.*)$/is.exec(text)?.groups?.['reason']?.trim() ?? ''
  return reason === '' ? null : reason
}

/** Answers to duties given on the command line, by name of the duty. */
export type Answers = { readonly [duty: string]: string }

/** The text given for a duty; undefined if there is none or it is not a valid answer. */
export function answeredBeforehand(question: Question, given: Answers): string | undefined {
  const { duty } = question
  const text = duty === undefined || !Object.hasOwn(given, duty.name) ? undefined : given[duty.name]
  return text !== undefined && answers(question, text) ? text : undefined
}

/** What to type when there is no terminal to ask at. */
export function flagsFor({ name, skippable }: NonNullable<Question['duty']>): string {
  return `add --answer ${name}='what was done'${skippable ? ` or --skip ${name}='why not'` : '; it cannot be skipped'}`
}
