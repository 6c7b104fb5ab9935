import { z } from 'zod'
import type { SecretHandle } from '../../drivers/secrets.ts'
import type { Json } from '../../kernel/json.ts'
import { receiverNames, receivers, type Receiver } from '../../drivers/receivers.ts'
import type { SectionContext } from './section.ts'
import { duration, json, oneOf, openAddress, secretHandle, strict, text } from './values.ts'

/** An address that accepts JSON: a chat's incoming webhook, a tracker's "create issue". */
export type Webhook = {
  /** A secret where knowing the address is enough to post. */
  readonly url: string | SecretHandle
  readonly bearer: SecretHandle | null
  /**
   * What is posted. In each text `{text}`, `{title}`, `{run}`, `{runbook}`, `{target}`, `{story}`, `{reason}` and
   * `{by}` are replaced.
   */
  readonly body: Json
  /** The receiver, whose own body is posted instead of `body`. */
  readonly format?: Receiver
  /** What the receiver needs in that body: the topic of ntfy, the routing key of PagerDuty. */
  readonly key?: SecretHandle
  /** Dotted path in the answer to the reference of what was posted, such as the number of a ticket. */
  readonly reference: string | null
  readonly timeoutSeconds: number
}

export const webhook = strict({
  url: z
    .union([openAddress, secretHandle], {
      error: "expected an http or https address, or secret('VARIABLE')",
    })
    .describe('The address to post to. Write it as a secret if knowing it is enough to post.'),
  bearer: secretHandle
    .optional()
    .describe(
      'Token for the Authorization header, or its complete value: `Basic BASE64` for a user and a password, `GenieKey KEY` for Opsgenie.',
    )
    .meta({ otherwise: 'none' }),
  body: json
    .default({ text: '{text}' })
    .describe(
      'What is posted, as JSON. In each text `{text}`, `{title}`, `{run}`, `{runbook}`, `{target}`, `{story}`, `{reason}` and `{by}` are filled in. Slack, Mattermost, Rocket.Chat and Google Chat take the default. With `format` it is not used.',
    ),
  format: oneOf(...receiverNames)
    .optional()
    .describe('The receiver: its own body is posted, cut to its limits, and mentions nobody.')
    .meta({ otherwise: '`body` is posted' }),
  key: secretHandle
    .optional()
    .describe('The topic of ntfy, whose `url` is that of the server, or the routing key of PagerDuty.')
    .meta({ otherwise: 'none; required with these two formats' }),
  reference: text
    .optional()
    .describe(
      'Dotted path in the JSON response to the reference that the evidence keeps: `key` for Jira, `html_url` for GitHub.',
    )
    .meta({ otherwise: 'no reference is kept' }),
  timeout: duration.prefault('10s').describe('Longest time for one request.'),
}).superRefine(({ format, key }, context) => {
  const needed = format !== undefined && receivers[format] !== null
  if (needed === (key !== undefined)) return
  context.addIssue({
    code: 'custom',
    path: ['key'],
    message: needed
      ? `format '${format}' needs it: key: secret('VARIABLE')`
      : "only the formats 'ntfy' and 'pagerduty' have one; a token is the `bearer`",
  })
})

export const webhookOf = (
  { url, bearer, body, format, key, reference, timeout }: z.output<typeof webhook>,
  { secret }: SectionContext,
): Webhook => ({
  url: typeof url === 'string' ? url : secret(url),
  bearer: secret(bearer),
  body,
  // Missing where not configured, as in plans of older versions.
  ...(format === undefined ? {} : { format }),
  ...(key === undefined ? {} : { key: secret(key) }),
  reference: reference ?? null,
  timeoutSeconds: timeout,
})
