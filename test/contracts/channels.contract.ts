import { describe, expect, it } from 'vitest'
import type { Json } from '../../src/kernel/json.ts'
import { deliver, type Delivery, type Sending } from '../../src/run/engine/deliver.ts'
import type { Channel } from '../../src/sections/parts/channel.ts'

type By<K extends Channel['by']> = Extract<Channel, { readonly by: K }>

export type ChannelsBench = {
  readonly sending: Sending
  /** A webhook that answers so, one after another, the last one again and again. */
  webhook(...statuses: readonly (number | 'timed out')[]): Promise<By<'webhook'>>
  /** A mail server that answers so, likewise. */
  mail(...answers: readonly ('accepted' | 'busy' | 'refused')[]): Promise<By<'mail'>>
  /** A program that ends with these codes, likewise. */
  command(...exitCodes: readonly number[]): Promise<By<'command'>>
  /** A channel at whose address nothing listens. */
  dead(by: 'webhook' | 'mail'): Promise<Channel>
  /** What was received, in order; of a program the variables that it got. */
  received(): Promise<{
    readonly posts: readonly { readonly key: string; readonly body: Json }[]
    readonly mails: readonly {
      readonly id: string
      readonly subject: string
      readonly text: string
      readonly to: readonly string[]
    }[]
    readonly calls: readonly { readonly [variable: string]: string }[]
  }>
}

/** The secret that a bench holds, as TOKEN. */
export const topic = 'topic-canary-value'

const words = {
  text: 'Full DB rollback on shop: failed <!channel> @all and is rolled back.',
  title: 'full-db-rollback on shop',
  run: '20261130-031500-abcde',
  runbook: 'full-db-rollback',
  target: 'shop',
  story: '',
  reason: '',
  by: 'ada',
}
const delivery: Delivery = { words, key: `${words.run}/rolled-back` }

/** What every channel must do. */
export function channelsContract(name: string, open: () => Promise<ChannelsBench>): void {
  const send = (bench: ChannelsBench, channel: Channel, seconds = 5): Promise<string | null> =>
    deliver(bench.sending, channel, delivery, seconds)

  describe(`channels, ${name}`, () => {
    it('post the text to a webhook, once, under the key of the message', async () => {
      const bench = await open()
      expect(await send(bench, await bench.webhook(204))).toBeNull()
      expect((await bench.received()).posts).toEqual([{ key: delivery.key, body: { text: words.text } }])
    })

    it('post the body of a receiver, with its secret, which no message shows', async () => {
      const bench = await open()
      const { hook, ...channel } = await bench.webhook(200, 403)
      const key = { secret: 'topic', from: { env: 'TOKEN' } }
      const ntfy = { ...channel, hook: { ...hook, format: 'ntfy' as const, key } }
      expect(await send(bench, ntfy)).toBeNull()
      expect((await bench.received()).posts[0]?.body).toEqual({
        title: words.title,
        message: words.text,
        priority: 4,
        topic,
      })
      expect(await send(bench, ntfy)).toBe('the webhook answered 403')
      expect((await bench.received()).posts).toHaveLength(2)
    })

    it('send one mail to all addresses, recognisable as the same by its id', async () => {
      const bench = await open()
      const channel = await bench.mail('accepted')
      expect([await send(bench, channel), await send(bench, channel)]).toEqual([null, null])
      const { mails } = await bench.received()
      expect(mails).toHaveLength(2)
      expect(mails[0]).toMatchObject({ subject: words.title, to: channel.to })
      expect(mails[0]?.text.trim()).toBe(words.text)
      expect(mails[0]?.id).toBe(mails[1]?.id)
    })

    it('give a program the text and what it is about as variables', async () => {
      const bench = await open()
      expect(await send(bench, await bench.command(0))).toBeNull()
      expect((await bench.received()).calls).toEqual([
        expect.objectContaining({
          NEWS_TEXT: words.text,
          NEWS_TITLE: words.title,
          NEWS_KEY: delivery.key,
          NEWS_RUN: words.run,
          NEWS_TARGET: 'shop',
        }),
      ])
    })

    it('try again, under the same key, what another attempt may change', async () => {
      const bench = await open()
      expect(await send(bench, await bench.webhook(503, 429, 200))).toBeNull()
      expect((await bench.received()).posts.map(({ key }) => key)).toEqual(Array(3).fill(delivery.key))
      expect(await send(bench, await bench.mail('busy', 'accepted'))).toBeNull()
      expect((await bench.received()).mails).toHaveLength(1)
      expect(await send(bench, await bench.command(7, 0))).toBeNull()
      expect((await bench.received()).calls).toHaveLength(2)
    })

    it('do not try again what stays refused, and say why', async () => {
      const bench = await open()
      expect(await send(bench, await bench.webhook(404))).toBe('the webhook answered 404')
      expect((await bench.received()).posts).toHaveLength(1)
      expect(await send(bench, await bench.mail('refused'))).toContain('550')
      expect((await bench.received()).mails).toEqual([])
    })

    it('never reject and end in time, where nothing listens, nothing answers, or every attempt fails', async () => {
      const bench = await open()
      const began = bench.sending.clock.monotonic()
      expect(await send(bench, await bench.dead('webhook'), 1)).toContain('refused')
      expect(await send(bench, await bench.dead('mail'), 1)).toMatch(/refused|no connection/i)
      expect(await send(bench, await bench.webhook('timed out'), 1)).toMatch(/no answer|timed out/)
      expect(await send(bench, await bench.command(3), 5)).toContain('exited with 3')
      expect(bench.sending.clock.monotonic() - began).toBeLessThan(30_000)
    })
  })
}
