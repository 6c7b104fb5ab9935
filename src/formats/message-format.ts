import type { HttpPost } from '../drivers/http.ts'
import { receivers, type Receiver } from '../drivers/receivers.ts'
import type { SecretHandle } from '../drivers/secrets.ts'
import type { Json } from '../kernel/json.ts'
import { filledIn } from './filled-in.ts'

/** What can be said of a run, by the names that a body of your own uses in braces. */
export type Words = {
  readonly text: string
  /** One line that says what the text is about. */
  readonly title: string
  readonly run: string
  readonly runbook: string
  readonly target: string
  readonly story: string
  readonly reason: string
  readonly by: string
}

type Facts = Pick<Words, 'runbook' | 'target' | 'by'> & {
  readonly id: string
  readonly story: string | null
  readonly reason: string | null
}

/** What is said of a run; a body has text only, so what the run does not have is empty. */
export const placeholdersOf = ({ id, runbook, target, story, reason, by }: Facts, text: string): Words => ({
  text,
  title: `${runbook} on ${target}`,
  run: id,
  runbook,
  target,
  story: story ?? '',
  reason: reason ?? '',
  by,
})

/** At most this many characters, the last of which says that more was left out. */
export function cut(text: string, most: number): string {
  const characters = [...text]
  return characters.length <= most ? text : `${characters.slice(0, most - 1).join('')}…`
}

/** What each receiver takes, with the limits that it states for the length of a text. */
const bodies = {
  /** https://docs.slack.dev/messaging/formatting-message-text: three characters are escaped, so that `<!channel>` stays text. */
  slack: ({ text }) => ({
    text: cut(text, 4000).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;'),
  }),
  /** https://developers.mattermost.com/integrate/webhooks/incoming: a mention of everybody in the text would notify them. */
  mattermost: ({ text }) => ({
    text: cut(text, 4000).replaceAll(/@(?=(?:all|channel|here)\b)/gi, '@\u200b'),
  }),
  /** https://docs.discord.com/developers/resources/webhook#execute-webhook: at most 2,000 characters; nobody is mentioned. */
  discord: ({ text }) => ({ content: cut(text, 2000), allowed_mentions: { parse: [] } }),
  /** An Adaptive Card, which incoming webhooks and workflows of Teams take; a message is at most 28 KB. */
  teams: ({ title, text }) => ({
    type: 'message',
    attachments: [
      {
        contentType: 'application/vnd.microsoft.card.adaptive',
        contentUrl: null,
        content: {
          $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
          type: 'AdaptiveCard',
          version: '1.4',
          body: [
            { type: 'TextBlock', text: cut(title, 200), weight: 'Bolder', wrap: true },
            { type: 'TextBlock', text: cut(text, 6000), wrap: true },
          ],
        },
      },
    ],
  }),
  /** https://docs.ntfy.sh/publish/#publish-as-json: posted to the server, not to the topic; longer than 4,096 bytes becomes a file. */
  ntfy: ({ title, text }) => ({ title: cut(title, 200), message: cut(text, 1000), priority: 4 }),
  /** Events API v2: a summary of at most 1,024 characters; events with one `dedup_key` are one alert. */
  pagerduty: ({ text, title, run, runbook, target, by }) => ({
    event_action: 'trigger',
    dedup_key: cut(`runbook/${run}`, 255),
    payload: {
      summary: cut(`${title}: ${text}`, 1024),
      source: target,
      severity: 'error',
      component: runbook,
      custom_details: { text: cut(text, 10_000), run, by },
    },
  }),
  /** Alert API: a message of at most 130 characters; alerts with one `alias` are one. */
  opsgenie: ({ text, title, run, runbook, target, by }) => ({
    message: cut(title, 130),
    alias: cut(`runbook/${run}`, 512),
    description: cut(text, 15_000),
    entity: target,
    source: 'runbook',
    details: { run, runbook, by },
  }),
} as const satisfies { readonly [R in Receiver]: (words: Words) => Json }

type Posted = {
  readonly body: Json
  readonly bearer: SecretHandle | null
  readonly format?: Receiver
  readonly key?: SecretHandle
}

/** The body for a receiver: of a known format, or a body of your own with the words filled in. Pure. */
export const bodyOf = ({ body, format }: Pick<Posted, 'body' | 'format'>, words: Words): Json =>
  format === undefined ? filledIn(body, words) : bodies[format](words)

/** What is posted to a webhook: the body with the words filled in, and the secrets that go with it. Pure. */
export function postOf(
  hook: Posted,
  words: Words,
): Pick<HttpPost, 'body' | 'bearer'> & Required<Pick<HttpPost, 'secretFields'>> {
  const field = hook.format === undefined ? null : receivers[hook.format]
  return {
    body: bodyOf(hook, words),
    bearer: hook.bearer,
    secretFields: field === null || hook.key === undefined ? {} : { [field]: hook.key },
  }
}
