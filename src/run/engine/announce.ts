import type { Channel } from '../../sections/parts/channel.ts'
import type { Operators } from '../../sections/operators.ts'
import { placeholdersOf } from '../../formats/message-format.ts'
import type { Plan } from '../../model/plan.ts'
import type { Entry, Stored } from '../journal/entry.ts'
import { deliver } from './deliver.ts'
import { factsOf, type RunContext } from './run-context.ts'

/** What the operators have to know. Nothing else is announced under the same key of a run. */
export interface News {
  readonly key: string
  readonly text: string
}

/** Decides what to announce, from the entries of a run. */
export interface Newsroom {
  newsOf(entries: readonly Stored[]): News | null
  /** Of a run that has just turned. */
  turningNewsOf?(entries: readonly Stored[]): News | null
}

/** The longest time that an announcement may delay a run, in seconds. */
const longest = 5

/**
 * Reports what the operators have to know on every channel of the target, once: where the program is killed before it has written that a
 * channel answered, it is sent again under the same key. A receiver that does not answer in time is not asked again. Never fails.
 */
export async function announce(newsroom: Newsroom, context: RunContext): Promise<void> {
  // Receivers get the news of one run in order.
  await context.announcing.last
  await report(context, (entries) => newsroom.newsOf(entries))
}

/**
 * As {@link announce}, that the run begins to roll back, and beside the rollback: it does not wait for the receivers. A
 * resume does not repeat it: it reports that the run was found killed.
 */
export function announceTurn(newsroom: Newsroom, context: RunContext): void {
  context.announcing.last = report(context, (entries) => newsroom.turningNewsOf?.(entries) ?? null)
}

async function report(
  context: RunContext,
  newsOf: (entries: readonly Stored[]) => News | null,
): Promise<void> {
  try {
    const { journal, mask } = context
    const channels = journal.state.opened.mode === 'run' ? channelsOf(context.planned.plan) : []
    const news = channels.length === 0 ? null : newsOf(journal.entries)
    if (news === null) return
    const left = channels.filter((channel) => !hasAnswered(journal.entries, news.key, channel))
    if (left.length === 0) return
    const { key, text } = mask.json({ ...news })
    if (!journal.entries.some(({ entry }) => entry.type === 'announcing' && entry.key === key))
      await journal.write({ type: 'announcing', key, text })
    const problems = await Promise.all(
      left.map((channel) =>
        deliver(sendingOf(context), channel, deliveryOf(context, { key, text }), longest),
      ),
    )
    for (const [place, channel] of left.entries())
      await journal.write(announced(key, channel, problems[place] ?? null))
  } catch {
    // What the journal cannot take is reported by the next entry, which matters more.
  }
}

const hasAnswered = (entries: readonly Stored[], key: string, channel: Channel): boolean =>
  entries.some(
    ({ entry }) =>
      entry.type === 'announced' && entry.key === key && (entry.to ?? 'announce') === channel.name,
  )

/** The channel of `operators.announce` has no name in the journal, as in older versions. */
export const announced = (key: string, { name }: Channel, problem: string | null): Entry => ({
  type: 'announced',
  key,
  problem,
  ...(name === 'announce' ? {} : { to: name }),
})

/** Where a run of this plan reports. */
export const channelsOf = ({ target }: Plan): readonly Channel[] =>
  channelsIn(target as { readonly operators?: Partial<Operators> })

/** Where runs on this target report. */
export function channelsIn({ operators }: { readonly operators?: Partial<Operators> }): readonly Channel[] {
  const hook = operators?.announce ?? null
  return [
    ...(hook === null ? [] : [{ name: 'announce', by: 'webhook', hook } as const]),
    ...(operators?.news ?? []),
  ]
}

const sendingOf = (context: RunContext) => ({
  clock: context.clock,
  mask: context.mask,
  // Not the run's own signal: that is aborted when a person ends a step at once, which is worth announcing.
  drivers: (signal: AbortSignal) =>
    context.drivers({
      run: context.run,
      step: 'run:announce',
      signal,
      output: () => undefined,
      progress: () => undefined,
      spawned: () => undefined,
    }),
})

const deliveryOf = (context: RunContext, { key, text }: News) => ({
  key: `${context.run}/${key}`,
  words: placeholdersOf(factsOf(context), text),
})
