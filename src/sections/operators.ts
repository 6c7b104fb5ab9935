import { z } from 'zod'
import { section } from './parts/section.ts'
import { channel, channelOf, type Channel } from './parts/channel.ts'
import { duration, strict, text, texts } from './parts/values.ts'
import { webhook, webhookOf, type Webhook } from './parts/webhook.ts'

/** Where incidents are announced, and who to call when a runbook fails. */
export type Operators = {
  /**
   * The channel for incidents, and the tracker for follow-up work. Null: the person in charge knows where.
   */
  readonly channel: string | null
  readonly tracker: string | null
  /** Announces automatically. Null: a person is asked to announce. */
  readonly announce: Webhook | null
  readonly ticket: Webhook | null
  /** Where runs report besides `announce`. Missing: nowhere else. */
  readonly news?: readonly Channel[]
  readonly contacts: readonly Contact[]
  /** First level first. */
  readonly escalation: readonly Level[]
}

export type Contact = { readonly role: string; readonly reach: string }

export type Level = {
  /** What is tried or who is called at this level. */
  readonly what: string
  /** Runbooks that belong to this level; when one of them fails, the next level is due. */
  readonly runbooks: readonly string[]
  /** Role of a contact. */
  readonly who: string | null
  /** Time until the next level is called, unless somebody acknowledges. Missing: 15 minutes. */
  readonly afterSeconds?: number
  /** Names of the channels on which this level is called. Missing: all. */
  readonly channels?: readonly string[]
}

const contact = strict({
  role: text.describe('Role, as `escalation` names it.'),
  reach: text.describe('How the person is reached: a telephone number, a handle.'),
})

const level = strict({
  what: text.describe('What is tried, or who is called.'),
  runbooks: texts
    .default([])
    .describe('Runbooks that are this level; when one of them fails, the next level follows.'),
  who: text.optional().describe('Role of a contact.').meta({ otherwise: 'no one is called' }),
  after: duration
    .optional()
    .describe('Time after which `runbook watch` calls the next level, unless somebody acknowledges.')
    .meta({ otherwise: '15 minutes' }),
  channels: texts
    .optional()
    .describe('Names of the channels on which `runbook watch` calls this level.')
    .meta({ otherwise: 'all' }),
})

export const operators = section({
  about: 'Where incidents are announced, and who to call when a runbook fails.',
  schema: strict({
    channel: text
      .optional()
      .describe('Name of the channel in which incidents are discussed.')
      .meta({ otherwise: 'no channel is named' }),
    tracker: text
      .optional()
      .describe('Where follow-up work is tracked.')
      .meta({ otherwise: 'no tracker is named' }),
    announce: webhook
      .optional()
      .describe(
        'Announces in the channel automatically. Every runbook posts here that it failed and begins to roll back, was rolled back, was stopped, waits for a person or was found killed.',
      )
      .meta({ otherwise: 'a person is asked to announce' }),
    ticket: webhook
      .optional()
      .describe('Opens a ticket in the tracker automatically.')
      .meta({ otherwise: 'a person is asked to open one' }),
    news: z
      .array(channel)
      .readonly()
      .optional()
      .describe(
        'Where every runbook reports that it failed and begins to roll back, was rolled back, was stopped, waits for a person or was found killed, besides `announce`: by webhook, mail or a program.',
      )
      .meta({ otherwise: 'only `announce`' }),
    contacts: z
      .array(contact)
      .readonly()
      .default([])
      .describe('Who can be called, and how they are reached.'),
    escalation: z
      .array(level)
      .readonly()
      .default([])
      .describe('What is tried, and who is called, when a level has failed; first to last.'),
  }).superRefine(({ contacts, escalation, news = [] }, context) => {
    const names = news.map((one, place) => one.name ?? `${one.by}-${place + 1}`)
    for (const [place, name] of names.entries())
      if (name === 'announce' || names.indexOf(name) < place)
        context.addIssue({
          code: 'custom',
          path: ['news', place, 'name'],
          message: `another channel has the name "${name}"`,
        })
    const known = ['announce', ...names]
    for (const [index, { channels = [] }] of escalation.entries())
      for (const [place, channel] of channels.entries())
        if (!known.includes(channel))
          context.addIssue({
            code: 'custom',
            path: ['escalation', index, 'channels', place],
            message: `no channel has the name "${channel}"`,
          })
    for (const [index, { who }] of escalation.entries()) {
      if (who === undefined || contacts.some(({ role }) => role === who)) continue
      context.addIssue({
        code: 'custom',
        path: ['escalation', index, 'who'],
        message: `no contact has the role "${who}"`,
      })
    }
  }),
  example: {
    channel: '#incidents',
    announce: { url: { env: 'CHAT_WEBHOOK' } },
    news: [{ by: 'mail', server: 'mail.example.org', from: 'runbook@example.org', to: ['ops@example.org'] }],
    contacts: [{ role: 'on-call', reach: '+1 555 0100' }],
    escalation: [
      { what: 'Roll back the version', runbooks: ['version-rollback'] },
      { what: 'Call', who: 'on-call' },
    ],
  },
  resolve: (
    { channel: named, tracker, announce, ticket, news, contacts, escalation },
    context,
  ): Operators => ({
    channel: named ?? null,
    tracker: tracker ?? null,
    announce: announce === undefined ? null : webhookOf(announce, context),
    ticket: ticket === undefined ? null : webhookOf(ticket, context),
    ...(news === undefined ? {} : { news: news.map((one, place) => channelOf(one, place, context)) }),
    contacts,
    escalation: escalation.map(({ who, after, channels, ...one }) => ({
      ...one,
      who: who ?? null,
      ...(after === undefined ? {} : { afterSeconds: after }),
      ...(channels === undefined ? {} : { channels }),
    })),
  }),
})
