import { describe, expect, test } from 'vitest'
import { receiverNames } from '../../src/drivers/receivers.ts'
import { bodyOf, cut, postOf } from '../../src/formats/message-format.ts'

const words = {
  text: 'shop failed & <!channel> @all @here: it waits',
  title: 'full-db-rollback on shop',
  run: 'r-1',
  runbook: 'full-db-rollback',
  target: 'shop',
  story: '',
  reason: '',
  by: 'ada',
}
const body = { text: 'mine' }

describe('the body for a receiver', () => {
  test.each([
    ['slack', { text: 'shop failed &amp; &lt;!channel&gt; @all @here: it waits' }],
    ['mattermost', { text: 'shop failed & <!channel> @\u200ball @\u200bhere: it waits' }],
    ['discord', { content: words.text, allowed_mentions: { parse: [] } }],
    ['ntfy', { title: words.title, message: words.text, priority: 4 }],
    [
      'pagerduty',
      {
        event_action: 'trigger',
        dedup_key: 'runbook/r-1',
        payload: {
          summary: `${words.title}: ${words.text}`,
          source: 'shop',
          severity: 'error',
          component: 'full-db-rollback',
          custom_details: { text: words.text, run: 'r-1', by: 'ada' },
        },
      },
    ],
    [
      'opsgenie',
      {
        message: words.title,
        alias: 'runbook/r-1',
        description: words.text,
        entity: 'shop',
        source: 'runbook',
        details: { run: 'r-1', runbook: 'full-db-rollback', by: 'ada' },
      },
    ],
  ] as const)('%s', (format, expected) => {
    expect(bodyOf({ body, format }, words)).toEqual(expected)
  })

  test('teams: a card with the title and the text', () => {
    expect(bodyOf({ body, format: 'teams' }, words)).toMatchObject({
      type: 'message',
      attachments: [
        {
          contentType: 'application/vnd.microsoft.card.adaptive',
          content: { type: 'AdaptiveCard', body: [{ text: words.title }, { text: words.text }] },
        },
      ],
    })
  })

  test('of your own has the words filled in', () => {
    expect(bodyOf({ body: { a: ['{title}: {text}', '{unknown}'] } }, words)).toEqual({
      a: [`${words.title}: ${words.text}`, '{unknown}'],
    })
  })

  test('keeps the limits of each receiver, however long the text is', () => {
    const long = { ...words, text: '\u{1f525}<'.repeat(40_000), title: 'x'.repeat(500) }
    const limits = { slack: 40_000, mattermost: 16_383, teams: 28_000, ntfy: 4_096 }
    for (const format of receiverNames) {
      const made = bodyOf({ body, format }, long) as Record<string, never>
      expect(Buffer.byteLength(JSON.stringify(made)), format).toBeLessThan(512_000)
      const text = String(made['text'] ?? made['content'] ?? made['message'] ?? JSON.stringify(made))
      if (format in limits)
        expect(Buffer.byteLength(text), format).toBeLessThanOrEqual(limits[format as keyof typeof limits])
    }
    expect([...(bodyOf({ body, format: 'discord' }, long) as { content: string }).content]).toHaveLength(2000)
  })
})

test('a text is cut at a character, not inside of one', () => {
  expect([cut('abcd', 4), cut('abcde', 4), cut('\u{1f525}'.repeat(3), 2)]).toEqual([
    'abcd',
    'abc…',
    '\u{1f525}…',
  ])
})

test('the secret of a receiver is no part of the body, but of what is posted', () => {
  const key = { secret: 'topic', from: { env: 'NTFY_TOPIC' } }
  const hook = { url: 'https://ntfy.sh', bearer: null, body, reference: null, timeoutSeconds: 10 }
  expect(postOf({ ...hook, format: 'ntfy', key }, words).secretFields).toEqual({ topic: key })
  expect(postOf({ ...hook, format: 'pagerduty', key }, words).secretFields).toEqual({ routing_key: key })
  expect(postOf({ ...hook, format: 'slack' }, words).secretFields).toEqual({})
})
