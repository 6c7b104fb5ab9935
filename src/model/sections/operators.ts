import type { Webhook } from './webhook.ts'

/** Who is told, and who is called when it does not work. */
export type Operators = {
  /** Where an incident is talked about, and where work is noted. Null: whoever does it will know. */
  readonly channel: string | null
  readonly tracker: string | null
  /** Where news go by themselves. Null: a person is asked to tell them. */
  readonly announce: Webhook | null
  readonly ticket: Webhook | null
  readonly contacts: readonly Contact[]
  /** First to last. */
  readonly escalation: readonly Level[]
}

export type Contact = { readonly role: string; readonly reach: string }

export type Level = {
  /** What is tried, or who is called, on this level. */
  readonly what: string
  /** Runbooks that are this level: when one of them fails, the next level's turn has come. */
  readonly runbooks: readonly string[]
  /** Role of a contact. */
  readonly who: string | null
}
