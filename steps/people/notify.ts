import {
  defineStep,
  isPending,
  placeholdersOf,
  postOf,
  RunbookError,
  say,
  type Json,
  type JsonObject,
  type Look,
  type Webhook,
} from '../../src/index.ts'
import { folderOf } from '../files/lib/path.ts'
import { textOf } from '../files/lib/text.ts'
import { atPath } from '../http/lib/at-path.ts'

type Input = {
  /** Identifies this notice within the run. */
  readonly name: string
  readonly hook: Webhook
  readonly text: string
}

/** `reference`: what the receiver calls the notice, such as a ticket number. */
export type Notified = JsonObject & {
  readonly name: string
  readonly at: string
  readonly status: number
  readonly reference: string | null
}

const maxReceipts = 16 * 1024 * 1024

/**
 * Posts a notice to a webhook, and keeps a receipt in `notices.jsonl` beside the evidence. Delivery is at
 * least once: a run that is killed between the answer and the receipt posts again, with the same
 * `Idempotency-Key`.
 */
export const notify = defineStep<Input, Notified, { readonly receipts: string }>({
  kind: 'people.notify',
  version: 1,
  effect: 'change',
  irreversible: 'a sent notification cannot be recalled',
  timeoutSeconds: 60,
  describe: ({ name, hook, text }) =>
    say`Posts ${text} to ${isPending(hook) ? hook : addressOf(hook)} (${name}).`,
  preflight: async (look, { name, hook }) => {
    if (isPending(name) || isPending(hook)) return []
    const missing = []
    for (const handle of [hook.url, hook.bearer, hook.key ?? null])
      if (typeof handle === 'object' && handle !== null && !(await look.secrets.available(handle)))
        missing.push(handle.secret)
    return missing.map((secret) => ({
      level: 'refuse',
      about: `notice ${name}`,
      problem: `secret ${secret} of the webhook for ${name} not found`,
      hint: `set ${secret}, or remove the webhook so that a person is asked`,
    }))
  },
  survey: async (look) => ({ receipts: `${folderOf(look.run.evidence)}/notices.jsonl` }),
  predict: ({ input: { name, hook } }) => ({
    output: isPending(name) ? null : { name },
    changes: isPending(hook) ? [] : [`a notification is sent to ${addressOf(hook)}`],
  }),
  run: async (io, { input: { name, hook, text }, before: { receipts } }) => {
    const answer = await io.http.post(hook.url, {
      ...postOf(hook, placeholdersOf(io.run, text)),
      timeoutSeconds: hook.timeoutSeconds,
      key: `${io.run.id}/${name}`,
    })
    if (answer.status < 200 || answer.status > 299) {
      throw new RunbookError(
        'failed',
        `${addressOf(hook)} answered ${answer.status} to the notice ${name}: ${JSON.stringify(answer.excerpt)}`,
        {
          hint: 'fix the receiver and resume; to notify people by hand, remove the webhook from runbook.config.ts and run again',
        },
      )
    }
    const notified = {
      name,
      at: io.clock.now().toISOString(),
      status: answer.status,
      reference: referenceIn(answer.json, hook),
    }
    if (hook.reference !== null && notified.reference === null)
      io.note(`the notice ${name} was accepted, but the answer has no ${hook.reference}`)
    await io.files.makeFolder(folderOf(receipts))
    if ((await io.files.stat(receipts)) === null) await io.files.write(receipts, '')
    await io.files.append(receipts, `${JSON.stringify({ run: io.run.id, ...notified })}\n`)
    return notified
  },
  probe: async (look, { input: { name }, before: { receipts } }) => {
    const receipt = await receiptIn(look, receipts, name)
    return receipt === undefined ? { is: 'absent' } : { is: 'done', output: receipt }
  },
})

/** For display: a secret address is shown by its name. */
const addressOf = ({ url }: Webhook): string =>
  typeof url === 'string' ? new URL(url).origin : `the webhook ${url.secret}`

function referenceIn(answer: Json, { reference }: Webhook): string | null {
  const found = reference === null ? null : atPath(answer, reference)
  return typeof found === 'string' || typeof found === 'number' ? String(found) : null
}

async function receiptIn(look: Look, file: string, name: string): Promise<Notified | undefined> {
  const lines = ((await textOf(look, file, maxReceipts)) ?? '').split('\n').filter((line) => line !== '')
  for (const line of lines) {
    const { run, ...receipt } = JSON.parse(line) as Notified & { readonly run: string }
    if (run === look.run.id && receipt.name === name) return receipt
  }
  return undefined
}
