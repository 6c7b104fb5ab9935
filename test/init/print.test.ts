import { assert, asyncProperty, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json } from '../../src/kernel/json.ts'
import { configText, stringText } from '../../src/init/print.ts'
import { exportedObject } from '../../src/init/source.ts'

const target = (value: Json, guessed: string | null = null) => ({
  name: 'shop',
  project: 'shop',
  sections: [{ name: 'database', value, guessed, questions: [] }],
})

/** What Node makes of the text, with `defineConfig` and `secret` as functions. */
async function evaluated(text: string): Promise<unknown> {
  const stub = 'const defineConfig = (given) => given; const secret = (from) => ({ named: from });\n'
  const code = stub + text.replace(/^import .*$/m, '')
  const { default: config } = (await import(
    `data:text/javascript;base64,${Buffer.from(code).toString('base64')}`
  )) as { readonly default: { readonly targets: { readonly shop: { readonly database: unknown } } } }
  return config.targets.shop.database
}

const hostile = [
  "it's",
  'back`tick ${process.exit(1)}',
  '*/ process.exit(1) /*',
  'two\nlines\r\u2028and\u2029more',
  'quote" and \\ backslash \\',
  'Магазин, 店, متجر',
  'turned \u202e around\u0007',
  '</script>',
  '__proto__',
]

describe('what comes from outside is data in the text', () => {
  it.each(hostile)('%j', async (text) => {
    const value = { name: text, list: [text], [text]: 1 }
    const printed = configText([target(value, text)])
    expect(await evaluated(printed)).toEqual(value)
    for (const control of ['\u202e', '\u0007', '\u2028', '\u2029', '\r'])
      expect(printed).not.toContain(control)
    expect(Object.getPrototypeOf(await evaluated(printed))).toBe(Object.prototype)
  })

  it('whatever it is', async () => {
    await assert(
      asyncProperty(string({ unit: 'binary' }), string({ unit: 'binary' }), async (text, why) => {
        const printed = configText([target({ name: text }, why)])
        expect(exportedObject(printed)?.settings.map(({ key }) => key)).toEqual(['targets'])
        expect(await evaluated(printed)).toEqual({ name: text })
      }),
      { numRuns: 50 },
    )
  })

  it('keeps letters of other scripts readable', () => {
    expect(stringText('Магазин "店"')).toBe(`'Магазин "店"'`)
  })
})

it('names secrets instead of writing them', () => {
  const printed = configText([
    target({ host: 'db.example.com', password: { secret: 'DB_PASSWORD', from: { env: 'DB_PASSWORD' } } }),
  ])
  expect(printed).toContain("import { defineConfig, secret } from 'runbook'")
  expect(printed).toContain("password: secret('DB_PASSWORD')")
})

it('breaks long values over lines, and shows what could not be found as a comment', () => {
  const long = 'x'.repeat(60)
  expect(
    configText([
      {
        name: 'shop',
        project: 'shop',
        sections: [
          { name: 'writers', value: [`a${long}`, `b${long}`], guessed: null, questions: [] },
          { name: 'health', value: [], guessed: 'nothing answers', questions: [] },
        ],
      },
    ]),
  ).toBe(`import { defineConfig } from 'runbook'

// \`runbook help config\` describes every setting.
export default defineConfig({
  targets: {
    shop: {
      writers: [
        'a${long}',
        'b${long}',
      ],
      // guessed: nothing answers
      // health: [],
    },
  },
})
`)
})
