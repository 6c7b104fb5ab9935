import { z } from 'zod'
import type { Json } from '../../kernel/json.ts'
import type { Webhook } from '../../model/sections/webhook.ts'
import { handleOf, type BasePaths } from '../base-paths.ts'
import type { Duration } from '../quantities.ts'
import type { SecretSource } from '../secret.ts'
import { duration, json, secretHandle, strict, text } from '../values.ts'

export type WebhookConfig = {
  /** `secret('SLACK_WEBHOOK')` where whoever knows the address may write. */
  readonly url: string | SecretSource
  readonly bearer?: SecretSource
  /**
   * What is posted, as JSON. In each text, `{text}`, `{run}`, `{runbook}`, `{target}`, `{story}`, `{reason}` and `{by}` are filled in.
   * Default: `{ text: '{text}' }`, which Slack, Mattermost, Rocket.Chat and Google Chat take.
   */
  readonly body?: Json
  /** Dotted path in the JSON answer to what the news is called there: `key` of an issue in Jira, `html_url` of one on GitHub. */
  readonly reference?: string
  /** Of one request. Default 10 seconds. */
  readonly timeout?: Duration
}

export const webhookSchema = strict({
  url: z.union([z.url({ protocol: /^https?$/ }), secretHandle], {
    error: "expected an http or https address, or secret('VARIABLE')",
  }),
  bearer: secretHandle.optional(),
  body: json.default({ text: '{text}' }),
  reference: text.optional(),
  timeout: duration.default(10),
})

export const webhookOf = (
  { url, bearer, body, reference, timeout }: z.output<typeof webhookSchema>,
  bearings: BasePaths,
): Webhook => ({
  url: typeof url === 'string' ? url : handleOf(url, bearings),
  bearer: bearer === undefined ? null : handleOf(bearer, bearings),
  body,
  reference: reference ?? null,
  timeoutSeconds: timeout,
})
