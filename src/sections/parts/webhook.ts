import { z } from 'zod'
import type { SecretHandle } from '../../drivers/secrets.ts'
import type { Json } from '../../kernel/json.ts'
import type { SectionContext } from './section.ts'
import { duration, json, openAddress, secretHandle, strict, text } from './values.ts'

/** An address that accepts JSON: a chat's incoming webhook, a tracker's "create issue". */
export type Webhook = {
  /** A secret where knowing the address is enough to post. */
  readonly url: string | SecretHandle
  readonly bearer: SecretHandle | null
  /**
   * What is posted. In each text `{text}`, `{run}`, `{runbook}`, `{target}`, `{story}`, `{reason}` and `{by}`
   * are replaced.
   */
  readonly body: Json
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
    .describe('Token for the Authorization header, or `Basic BASE64` for a user and a password.')
    .meta({ otherwise: 'none' }),
  body: json
    .default({ text: '{text}' })
    .describe(
      'What is posted, as JSON. In each text `{text}`, `{run}`, `{runbook}`, `{target}`, `{story}`, `{reason}` and `{by}` are filled in. Slack, Mattermost, Rocket.Chat and Google Chat take the default.',
    ),
  reference: text
    .optional()
    .describe(
      'Dotted path in the JSON response to the reference that the evidence keeps: `key` for Jira, `html_url` for GitHub.',
    )
    .meta({ otherwise: 'no reference is kept' }),
  timeout: duration.prefault('10s').describe('Longest time for one request.'),
})

export const webhookOf = (
  { url, bearer, body, reference, timeout }: z.output<typeof webhook>,
  { secret }: SectionContext,
): Webhook => ({
  url: typeof url === 'string' ? url : secret(url),
  bearer: secret(bearer),
  body,
  reference: reference ?? null,
  timeoutSeconds: timeout,
})
