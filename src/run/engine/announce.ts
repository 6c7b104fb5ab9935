import { failureOf, RunbookError } from '../../kernel/errors.ts'
import type { Json } from '../../kernel/json.ts'
import { filledIn } from '../../formats/filled-in.ts'
import type { Webhook } from '../../sections/parts/webhook.ts'
import type { Stored } from '../journal/entry.ts'
import { factsOf, type RunContext } from './run-context.ts'

/** What the operators have to know. Nothing else is announced under the same key of a run. */
export interface News {
  readonly key: string
  readonly text: string
}

/** Decides what to announce, from the entries of a run. */
export interface Newsroom {
  newsOf(entries: readonly Stored[]): News | null
}

/** The longest time that an announcement may delay a run, in seconds. */
const longest = 5

/**
 * Posts what the operators have to know to `operators.announce` of the target, at most once: where the program
 * is killed while it posts, or the receiver does not answer in time, it is not posted again. Never fails.
 */
export async function announce(newsroom: Newsroom, context: RunContext): Promise<void> {
  try {
    const { journal, mask } = context
    const hook = hookOf(context)
    const news = hook === null ? null : newsroom.newsOf(journal.entries)
    if (hook === null || news === null || isKnown(journal.entries, news.key)) return
    const { key, text } = mask.json({ ...news })
    await journal.write({ type: 'announcing', key, text })
    const problem = await post(context, hook, { key, text }).then(
      () => null,
      (thrown: unknown) => mask.json(failureOf(thrown).message),
    )
    await journal.write({ type: 'announced', key, problem })
  } catch {
    // What the journal cannot take is reported by the next entry, which matters more.
  }
}

const isKnown = (entries: readonly Stored[], key: string): boolean =>
  entries.some(({ entry }) => entry.type === 'announcing' && entry.key === key)

function hookOf({ planned: { plan }, journal }: RunContext): Webhook | null {
  if (journal.state.opened.mode !== 'run') return null
  const operators = plan.target['operators'] as { readonly announce?: Webhook | null } | undefined
  return operators?.announce ?? null
}

async function post(context: RunContext, hook: Webhook, { key, text }: News): Promise<void> {
  const over = new AbortController()
  const answered = new AbortController()
  const seconds = Math.min(longest, hook.timeoutSeconds)
  const late = context.clock.sleep(seconds * 1000, answered.signal).then(
    () => {
      over.abort()
      throw new RunbookError('failed', `no answer within ${seconds} s`)
    },
    () => undefined,
  )
  const { http } = context.drivers({
    run: context.run,
    step: 'run:announce',
    // Not the run's own: it is aborted when a person ends a step at once, which is worth announcing.
    signal: over.signal,
    output: () => undefined,
    progress: () => undefined,
    spawned: () => undefined,
  })
  const facts = factsOf(context)
  const words = {
    text,
    run: facts.id,
    runbook: facts.runbook,
    target: facts.target,
    story: facts.story ?? '',
    reason: facts.reason ?? '',
    by: facts.by,
  }
  const sent = http
    .post(hook.url, {
      body: context.mask.json<Json>(filledIn(hook.body, words)),
      bearer: hook.bearer,
      timeoutSeconds: seconds,
      key: `${context.run}/${key}`,
    })
    .finally(() => answered.abort())
  const answer = await Promise.race([sent, late.then(() => sent)])
  if (answer.status < 200 || answer.status > 299)
    throw new RunbookError('failed', `the webhook answered ${answer.status}`)
}
