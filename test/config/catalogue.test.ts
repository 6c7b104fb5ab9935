import { describe, expect, test } from 'vitest'
import { configHelp } from '../../src/cli/commands/help-config.ts'
import { catalogue, exampleConfig, exampleTarget } from '../../src/config/catalogue.ts'
import { configSchema } from '../../src/config/schema.ts'
import { targetOf } from '../../src/config/target.ts'
import { secret } from '../../src/index.ts'
import { sections } from '../../src/sections/index.ts'

const basePaths = { directory: '/srv/shop', home: '/home/op', host: 'box' }
const topics = catalogue()
const settings = topics.flatMap(({ groups }) => groups.flatMap((group) => group.settings))

/** What an example means in `runbook.config.ts`. */
const read = (example: string): object => new Function('secret', `return { ${example} }`)(secret) as object

describe('help describes', () => {
  test('every section, and what is none', () => {
    expect(topics.filter(({ place }) => place === 'section').map(({ name }) => name)).toEqual(
      Object.keys(sections),
    )
    expect(topics.filter(({ place }) => place !== 'section').map(({ name }) => name)).toEqual([
      'runbooks',
      'artifacts',
      'state',
      'stories',
      'defaultTarget',
      'title',
      'objectives',
      'settings',
    ])
  })

  test('every setting in a sentence, and what stands in for it where it may be left out', () => {
    expect(settings.length).toBeGreaterThan(200)
    expect(settings.filter(({ about }) => !/^[A-Z`].{10,}[.)]$/.test(about))).toEqual([])
    expect(settings.filter(({ otherwise }) => otherwise === '')).toEqual([])
    expect(topics.filter(({ about }) => !/^[A-Z`].{20,}\.$/.test(about))).toEqual([])
  })

  test('types as one writes them', () => {
    const types = Object.fromEntries(settings.map(({ path, type }) => [path, type]))
    expect(types).toMatchObject({
      'backups.maxAge': 'Duration',
      'backups.checksums': "'required' | 'if-present'",
      'database.password': 'Secret',
      'health[].json': '{ [name]: Json }',
      'images.environments.NAME.health[].url': 'string',
      'operators.announce.url': 'string | Secret',
      'stack.services': '{ [name]: string[] | object }',
    })
    const known =
      /^(string|number|boolean|object|Duration|Size|Secret|Json|JsonObject|'[^']*'|\{ \[name\]: .+ \}|.+\[\])$/
    expect(
      settings.filter(
        ({ type }) => type.split(' | ').some((part) => !known.test(part)) && !type.startsWith('{'),
      ),
    ).toEqual([])
  })

  test('defaults as the schemas have them', () => {
    const defaults = Object.fromEntries(settings.map(({ path, otherwise }) => [path, otherwise]))
    expect(defaults).toMatchObject({
      'backups.directory': 'with `from`, a folder for downloads below the state folder; required without it',
      'bundle.directory': null,
      'backups.maxAge': "`'26h'`",
      'health[].passes': '`3`',
      'documents.mode': '`0o644`',
      'version.file': 'the only env file of the stack',
    })
    const { backups, health } = exampleTarget(basePaths)
    expect([backups?.maxAgeSeconds, health?.[0]?.passes]).toEqual([26 * 3600, 3])
  })
})

describe('examples', () => {
  test('make one target that has every section', () => {
    expect(Object.keys(exampleTarget(basePaths))).toEqual(expect.arrayContaining(Object.keys(sections)))
    expect(configSchema.safeParse(exampleConfig()).success).toBe(true)
  })

  test.each(
    topics.flatMap(({ name, place, examples }) => examples.map((example) => [name, place, example] as const)),
  )('%s (%s): %s', (name, place, example) => {
    const given = read(example)
    expect(Object.keys(given)).toEqual([name])
    const shop =
      place === 'configuration'
        ? {}
        : place === 'target'
          ? given
          : {
              ...Object.fromEntries(Object.entries(sections).map(([one, { example: its }]) => [one, its])),
              ...given,
            }
    // Some sections are of a Compose stack only, so a stack of processes stands alone.
    const alone = name === 'stack' || name === 'database' ? { stack: sections.stack.example, ...given } : shop
    const config = { targets: { shop: alone }, ...(place === 'configuration' ? given : {}) }
    expect(targetOf(configSchema.parse(config), 'shop', basePaths).name).toBe('shop')
  })

  test('each section has one', () => {
    expect(topics.filter(({ examples }) => examples.length === 0)).toEqual([])
  })
})

describe('runbook help config', () => {
  test('names every section in its overview', async () => {
    const text = await configHelp(undefined, { width: null })
    expect(topics.filter(({ name }) => !text.includes(`\n  ${name}\n`))).toEqual([])
  })

  test('prints one section with types, defaults, readers and an example', async () => {
    expect(await configHelp('version', { width: null })).toMatchSnapshot()
  })

  test('prints both ways to write a database', async () => {
    const text = await configHelp('database', { width: null })
    expect(text).toContain("\nWith engine: 'postgres'\n")
    expect(text).toContain("\nWith engine: 'sqlite'\n")
    expect(text).toContain('\n  database.file: string, required\n')
    expect(text).toContain("password: secret('PGPASSWORD')")
  })

  test('knows who reads a section that no runbook needs, though each looks at it only for want of another', async () => {
    expect(await configHelp('releaseFolders', { width: null })).toMatch(
      /Used, if configured, by .*rapid-rollback/,
    )
  })

  test('does not name a runbook that only lists which sections there are', async () => {
    expect(await configHelp('releaseFolders', { width: null })).not.toContain('diagnose')
    expect(await configHelp('backups', { width: null })).toMatch(/Used, if configured, by .*diagnose/)
  })

  test('answers a slip of the fingers', async () => {
    await expect(configHelp('operatrs', { width: null })).rejects.toMatchObject({
      code: 'usage',
      message: 'unknown section "operatrs" in the configuration',
      hint: 'did you mean operators?',
    })
  })
})
