import type { Drivers } from '../../drivers/drivers.ts'
import type { Clock } from '../../kernel/clock.ts'
import { RunbookError } from '../../kernel/errors.ts'
import type { Json } from '../../kernel/json.ts'
import type { Channel } from '../../sections/parts/channel.ts'
import { cut, postOf, type Words } from '../../formats/message-format.ts'
import { failureOn, type Mask } from './run-context.ts'

/** Sends one message; `key` is the same for each attempt, so that a receiver can recognise a repetition. */
export type Delivery = { readonly words: Words; readonly key: string }

export interface Sending {
  readonly clock: Clock
  readonly mask: Mask
  /** Drivers that stop working when the signal is aborted. */
  drivers(signal: AbortSignal): Pick<Drivers, 'http' | 'mail' | 'commands'>
  /** What a webhook that accepted the message answered: JSON, or null. */
  onAnswer?(channel: Channel, answer: Json): void
}

/** Pause before the second attempt, in milliseconds; each following one is twice as long. */
const firstPause = 500

/** A program gets each text as a variable; longer than 128 KiB cannot be started (execve(2), MAX_ARG_STRLEN). */
const mostInVariable = 20_000

/**
 * Sends one message on one channel, and again with growing pauses where another attempt may succeed. Never rejects, and
 * takes at most `seconds`.
 * @returns null once it was accepted, otherwise why it was not, with secrets masked
 */
export async function deliver(
  sending: Sending,
  channel: Channel,
  delivery: Delivery,
  seconds: number,
): Promise<string | null> {
  const { clock } = sending
  const over = new AbortController()
  const answered = new AbortController()
  const until = clock.monotonic() + seconds * 1000
  const late = clock.sleep(seconds * 1000, answered.signal).then(
    () => {
      over.abort()
      throw new RunbookError('failed', `no answer within ${seconds} s`)
    },
    () => undefined,
  )
  const sent = attempts(sending, channel, delivery, until, over.signal).finally(() => answered.abort())
  try {
    await Promise.race([sent, late.then(() => sent)])
    return null
  } catch (thrown) {
    sent.catch(() => undefined)
    return failureOn(sending, thrown).message
  }
}

async function attempts(
  sending: Sending,
  channel: Channel,
  delivery: Delivery,
  until: number,
  signal: AbortSignal,
): Promise<void> {
  const { clock, mask } = sending
  const words = mask.json<Words>({ ...delivery.words })
  const drivers = sending.drivers(signal)
  const answered = (answer: Json): void => sending.onAnswer?.(channel, answer)
  for (let pause = firstPause; ; pause *= 2) {
    const left = (until - clock.monotonic()) / 1000
    try {
      return await once(drivers, channel, { ...delivery, words }, { left, mask, answered })
    } catch (thrown) {
      const again = thrown instanceof RunbookError && thrown.code === 'failed'
      if (!again || signal.aborted || clock.monotonic() + pause >= until) throw thrown
    }
    await clock.sleep(pause, signal)
  }
}

async function once(
  { http, mail, commands }: Pick<Drivers, 'http' | 'mail' | 'commands'>,
  channel: Channel,
  { words, key }: Delivery,
  {
    left,
    mask,
    answered,
  }: { readonly left: number; readonly mask: Mask; readonly answered: (answer: Json) => void },
): Promise<void> {
  const bounded = (seconds: number): number => Math.max(0.001, Math.min(seconds, left))
  switch (channel.by) {
    case 'webhook': {
      const { hook } = channel
      const post = postOf(hook, words)
      const answer = await http.post(hook.url, {
        ...post,
        body: mask.json<Json>(post.body),
        timeoutSeconds: bounded(hook.timeoutSeconds),
        key,
      })
      if (answer.status < 200 || answer.status > 299) throw notAccepted(answer.status)
      answered(answer.json)
      return
    }
    case 'mail': {
      const { server, from, to, timeoutSeconds } = channel
      const subject = cut(words.title, 150)
      await mail.send(
        { server, from, to, subject, text: `${words.text}\n`, key },
        { timeoutSeconds: bounded(timeoutSeconds) },
      )
      return
    }
    case 'command': {
      const { argv, directory, secrets } = channel
      const variables = Object.entries({ ...words, key }).map(([name, value]) => [
        `NEWS_${name.toUpperCase()}`,
        // A variable ends at the first NUL.
        cut(value.replaceAll('\0', ''), mostInVariable),
      ])
      const { exitCode } = await commands.run({
        argv,
        directory,
        environment: Object.fromEntries(variables) as { readonly [name: string]: string },
        secrets,
      })
      if (exitCode !== 0) throw new RunbookError('failed', `${argv[0]} exited with ${exitCode}`)
    }
  }
}

/** Too many requests and failures of the server may pass; what else is refused stays refused (RFC 9110, section 15). */
const notAccepted = (status: number): RunbookError =>
  new RunbookError(
    status >= 500 || [408, 425, 429].includes(status) ? 'failed' : 'usage',
    `the webhook answered ${status}`,
  )
