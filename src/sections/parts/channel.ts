import { z } from 'zod'
import type { MailServer } from '../../drivers/mail.ts'
import type { SecretHandle } from '../../drivers/secrets.ts'
import type { SectionContext } from './section.ts'
import { webhook, webhookOf, type Webhook } from './webhook.ts'
import { duration, oneOf, secretHandle, strict, text, variableName, words } from './values.ts'

/** A way on which the operators get news of a run. */
export type Channel = { readonly name: string } & (
  | { readonly by: 'webhook'; readonly hook: Webhook }
  | {
      readonly by: 'mail'
      readonly server: MailServer
      readonly from: string
      readonly to: readonly string[]
      readonly timeoutSeconds: number
    }
  | {
      readonly by: 'command'
      readonly argv: readonly string[]
      readonly directory: string
      readonly secrets: { readonly [variable: string]: SecretHandle }
      readonly timeoutSeconds: number
    }
)

const name = text
  .optional()
  .describe('Name in reports and in `runbook operators test`.')
  .meta({ otherwise: 'its kind and its place in the list, such as `mail-2`' })

const mailAddress = z
  .string()
  .regex(/^[^\s<>@,;]+@[^\s<>@,;]+$/, 'expected a mail address, such as ops@example.org')

const byWebhook = webhook.safeExtend({
  by: z.literal('webhook').describe('A POST of JSON.'),
  name,
})

const byMail = strict({
  by: z.literal('mail').describe('Mail by SMTP.'),
  name,
  server: text
    .regex(/^[^\s:/@]+(?::\d{1,5})?$/, 'expected HOST or HOST:PORT')
    .describe('The mail server, as HOST or HOST:PORT.'),
  tls: oneOf('from-start', 'required', 'if-offered')
    .optional()
    .describe(
      'TLS before the first word, by STARTTLS or not at all, or by STARTTLS where the server offers it.',
    )
    .meta({ otherwise: "'from-start' on port 465, 'required' with a password, else 'if-offered'" }),
  user: text.optional().describe('Account at the mail server.').meta({ otherwise: 'no login' }),
  password: secretHandle.optional().describe('Its password.').meta({ otherwise: 'no login' }),
  from: mailAddress.describe('Address of the sender.'),
  to: z.array(mailAddress).min(1, 'expected at least one address').readonly().describe('Who gets it.'),
  timeout: duration.prefault('10s').describe('Longest time for one attempt.'),
}).superRefine(({ user, password, tls }, context) => {
  if ((user === undefined) !== (password === undefined))
    context.addIssue({
      code: 'custom',
      path: ['password'],
      message: 'a login has both `user` and `password`',
    })
  if (password !== undefined && tls === 'if-offered')
    context.addIssue({
      code: 'custom',
      path: ['tls'],
      message: "a password is never sent without TLS; expected 'required' or 'from-start'",
    })
})

const byCommand = strict({
  by: z.literal('command').describe('A program of this machine.'),
  name,
  command: words.describe(
    'The program and its arguments. It gets `NEWS_TEXT`, `NEWS_TITLE`, `NEWS_KEY`, `NEWS_RUN`, `NEWS_RUNBOOK`, `NEWS_TARGET`, `NEWS_STORY`, `NEWS_REASON` and `NEWS_BY` as variables, and runs in the folder of `runbook.config.ts`.',
  ),
  secrets: z
    .record(variableName, secretHandle)
    .optional()
    .describe('Variables that it gets besides, with secrets.')
    .meta({ otherwise: 'none' }),
  timeout: duration.prefault('10s').describe('Longest time for one attempt.'),
})

export const channel = z.discriminatedUnion('by', [byWebhook, byMail, byCommand], {
  error: (issue) =>
    issue.code === 'invalid_union' ? "expected by: 'webhook', by: 'mail' or by: 'command'" : undefined,
})

/** @param place of the channel in the list, from 0 */
export function channelOf(raw: z.output<typeof channel>, place: number, context: SectionContext): Channel {
  const name = raw.name ?? `${raw.by}-${place + 1}`
  switch (raw.by) {
    case 'webhook':
      return { name, by: 'webhook', hook: webhookOf(raw, context) }
    case 'mail': {
      const { server, user, password, from, to, timeout } = raw
      const [host = '', port] = server.split(':', 2)
      const tls =
        raw.tls ?? (port === '465' ? 'from-start' : password === undefined ? 'if-offered' : 'required')
      return {
        name,
        by: 'mail',
        server: {
          host,
          port: port === undefined ? (tls === 'from-start' ? 465 : 587) : Number(port),
          tls,
          login:
            user === undefined || password === undefined
              ? null
              : { user, password: context.secret(password) },
        },
        from,
        to,
        timeoutSeconds: timeout,
      }
    }
    case 'command':
      return {
        name,
        by: 'command',
        argv: raw.command,
        directory: context.path('.'),
        secrets: Object.fromEntries(
          Object.entries(raw.secrets ?? {}).map(([variable, handle]) => [variable, context.secret(handle)]),
        ),
        timeoutSeconds: raw.timeout,
      }
  }
}
