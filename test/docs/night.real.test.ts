import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { castOf, castText, lasting, svgOf, textOf } from '../fixtures/asciicast.ts'
import { program, root as isRoot } from '../fixtures/requirements.ts'
import { night, type Night } from './night.ts'
import { NightShop } from './night-shop.ts'
import { root } from './pages.ts'
import { castNames, mediaFolder, pictured, pictureNames } from './media.ts'

const media = join(root, mediaFolder)
/** `RUNBOOK_MEDIA=write` writes the recordings and the pictures instead of comparing them. */
const writes = process.env['RUNBOOK_MEDIA'] === 'write'

describe.skipIf(
  !isRoot() || !program('python3') || !program('chromium') || !program('sqlite3') || !program('ssh-keygen'),
)('a night, from the alarm to the reviewer', () => {
  let shop: NightShop
  let seen: Night
  beforeAll(async () => {
    shop = await NightShop.open()
    seen = await night(shop)
    if (!writes) return
    mkdirSync(media, { recursive: true })
    for (const [name, cast] of Object.entries(seen.casts)) {
      writeFileSync(join(media, `${name}.cast`), castText(cast))
      writeFileSync(join(media, `${name}.svg`), await svgOf(pictured(name, cast)))
    }
    for (const [name, { png, text }] of Object.entries(seen.pictures)) {
      writeFileSync(join(media, `${name}.png`), png)
      writeFileSync(join(media, `${name}.txt`), `${text}\n`)
    }
  }, 600_000)
  afterAll(() => shop?.[Symbol.asyncDispose]())

  test('everybody is told everything once', () => {
    expect(seen.news.map((text) => text.replaceAll(/\d{8}-\d{6}-\w{5}/g, 'RUN'))).toEqual([
      expect.stringMatching(/failed and is being rolled back now: shop was not healthy/),
      expect.stringMatching(/failed and is rolled back: shop was not healthy/),
      expect.stringMatching(/was found killed after .* and is rolled back by the watch in 3 s unless/),
      expect.stringMatching(/rolled back as requested/),
      expect.stringMatching(
        /was found killed after .* and nobody works on it.* Next: npx runbook resume RUN\./,
      ),
      expect.stringMatching(/still waits for a person\. Next: Call \(on-call: .* runbook ack RUN$/),
    ])
  })

  test('all of it is recorded', () => {
    expect(Object.keys(seen.casts).sort()).toEqual([...castNames].sort())
    expect(Object.keys(seen.pictures).sort()).toEqual([...pictureNames].sort())
  })

  test.each(castNames)('%s.cast shows what the program shows today', async (name) => {
    const recorded = castOf(readFileSync(join(media, `${name}.cast`), 'utf8'))
    const today = seen.casts[name]
    expect(today === undefined ? '' : lasting(await textOf(today))).toBe(lasting(await textOf(recorded)))
  })

  test.each(pictureNames)('%s.png shows what the page shows today', (name) => {
    const recorded = readFileSync(join(media, `${name}.txt`), 'utf8')
    expect(lasting(seen.pictures[name]?.text ?? '')).toBe(lasting(recorded))
  })
})
