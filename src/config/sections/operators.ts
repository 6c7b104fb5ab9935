import { z } from 'zod'
import type { Operators } from '../../model/sections/operators.ts'
import type { BasePaths } from '../base-paths.ts'
import { strict, text, texts } from '../values.ts'
import { webhookOf, webhookSchema, type WebhookConfig } from './webhook.ts'

export type OperatorsConfig = {
  /** Where an incident is talked about: the name of a channel. */
  readonly channel?: string
  /** Where follow-up work is noted. */
  readonly tracker?: string
  /** Announces in the channel. Default: a person is asked to. */
  readonly announce?: WebhookConfig
  /** Opens a ticket in the tracker. Default: a person is asked to. */
  readonly ticket?: WebhookConfig
  /** Who is called, and how they are reached. */
  readonly contacts?: readonly { readonly role: string; readonly reach: string }[]
  /** What is tried, and who is called, when a level has failed; first to last. */
  readonly escalation?: readonly {
    readonly what: string
    /** Runbooks that are this level. */
    readonly runbooks?: readonly string[]
    /** Role of a contact. */
    readonly who?: string
  }[]
}

export const operatorsSchema = strict({
  channel: text.optional(),
  tracker: text.optional(),
  announce: webhookSchema.optional(),
  ticket: webhookSchema.optional(),
  contacts: z
    .array(strict({ role: text, reach: text }))
    .readonly()
    .default([]),
  escalation: z
    .array(strict({ what: text, runbooks: texts.default([]), who: text.optional() }))
    .readonly()
    .default([]),
}).superRefine(({ contacts, escalation }, context) => {
  for (const [index, { who }] of escalation.entries()) {
    if (who === undefined || contacts.some(({ role }) => role === who)) continue
    context.addIssue({
      code: 'custom',
      path: ['escalation', index, 'who'],
      message: `"${who}" is the role of no contact`,
    })
  }
})

export const operatorsOf = (
  { channel, tracker, announce, ticket, contacts, escalation }: z.output<typeof operatorsSchema>,
  bearings: BasePaths,
): Operators => ({
  channel: channel ?? null,
  tracker: tracker ?? null,
  announce: announce === undefined ? null : webhookOf(announce, bearings),
  ticket: ticket === undefined ? null : webhookOf(ticket, bearings),
  contacts,
  escalation: escalation.map(({ who, ...level }) => ({ ...level, who: who ?? null })),
})
