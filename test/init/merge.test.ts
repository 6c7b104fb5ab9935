import { describe, expect, it } from 'vitest'
import { merged } from '../../src/init/merge.ts'
import type { ProposedTarget } from '../../src/init/proposal.ts'

const section = (
  name: string,
  value: ProposedTarget['sections'][number]['value'],
  guessed: string | null = null,
) => ({
  name,
  value,
  guessed,
  questions: [],
})

const proposed: ProposedTarget = {
  name: 'shop',
  project: 'shop',
  sections: [
    section('stack', { kind: 'compose', project: 'shop', files: ['compose.yml'] }),
    section('writers', ['web'], 'web depends on db'),
    section('database', { engine: 'postgres', service: 'db', name: 'shop', user: 'postgres' }),
  ],
}

describe('a configuration that is there', () => {
  it('keeps every byte that people wrote, and gets the sections that are missing', () => {
    const existing = `import { defineConfig, type Config } from 'runbook'
/* ours */
const config = defineConfig({
  artifacts: './proof', // kept
  targets: {
    // the shop
    production: {
      stack: { kind: 'compose', project: 'shop', files: ['old.yml'] }, // do not touch
      writers: ['web', 'jobs']   // both, really
      // the rest is to come
    },
  },
} satisfies Config)
export default config
declare module 'runbook' {
  interface Registered { readonly config: typeof config }
}
`
    const { text, added, kept, byHand } = merged(existing, [proposed])
    expect(text).toBe(
      existing
        .replace("['web', 'jobs']", "['web', 'jobs'],")
        .replace(
          '      // the rest is to come\n',
          "      // the rest is to come\n      database: { engine: 'postgres', service: 'db', name: 'shop', user: 'postgres' },\n",
        ),
    )
    expect(added).toEqual(['production.database'])
    expect(kept).toEqual(['production.stack', 'production.writers'])
    expect(byHand).toEqual([])
  })

  it('is left alone when it says everything, and so is what it makes itself', () => {
    const first = merged(null, [proposed])
    expect(first.added).toEqual(['shop'])
    expect(merged(first.text, [proposed])).toMatchObject({ text: first.text, added: [], byHand: [] })
  })

  it('gets another target beside one of another project', () => {
    const existing = "export default { targets: { web: { stack: { kind: 'compose', project: 'web' } } } }\n"
    const { text, added } = merged(existing, [proposed])
    expect(added).toEqual(['shop'])
    expect(text.startsWith(existing.slice(0, existing.indexOf(' } }')))).toBe(true)
    expect(merged(text, [proposed])).toMatchObject({ text, added: [] })
  })

  it('gets it into an object without settings', () => {
    const { text, added } = merged('export default {\n  targets: {},\n}\n', [proposed])
    expect(added).toEqual(['shop'])
    expect(merged(text, [proposed]).text).toBe(text)
  })

  it.each([
    [
      'a target from elsewhere',
      "import { shop } from './shop.ts'\nexport default defineConfig({ targets: { shop } })\n",
    ],
    [
      'a spread target',
      "export default defineConfig({ targets: { shop: { ...base, stack: { project: 'shop' } } } })\n",
    ],
    ['spread targets', 'export default defineConfig({ targets: { ...targets } })\n'],
    ['computed targets', 'export default defineConfig({ targets: make() })\n'],
    ['another program', 'export const x = 1\n'],
    ['a text that is not TypeScript', 'export default {{\n'],
  ])('is not touched where it cannot be read: %s', (_, existing) => {
    const { text, added, byHand } = merged(existing, [proposed])
    expect(text).toBe(existing)
    expect(added).toEqual([])
    expect(byHand).toHaveLength(1)
    expect(byHand[0]?.text).toContain("database: { engine: 'postgres', service: 'db'")
  })

  it('asks for nothing by hand that a spread target has beside the spread', () => {
    const existing = 'export default { targets: { shop: { ...base, stack, writers, database } } }\n'
    expect(merged(existing, [proposed])).toMatchObject({ text: existing, added: [], byHand: [] })
  })

  it('tells two databases of one project apart', () => {
    const second: ProposedTarget = {
      name: 'shop-logs',
      project: 'shop',
      sections: [
        section('stack', { kind: 'compose', project: 'shop' }),
        section('database', { engine: 'postgres', service: 'logs', name: 'logs', user: 'postgres' }),
      ],
    }
    const both = merged(null, [{ ...proposed, name: 'shop-db' }, second])
    expect(merged(both.text, [{ ...proposed, name: 'shop-db' }, second])).toMatchObject({
      text: both.text,
      added: [],
    })
    const one = merged(null, [proposed])
    expect(merged(one.text, [{ ...proposed, name: 'shop-db' }, second]).added).toEqual(['shop-logs'])
  })
})
