import { describe, expect, test } from 'vitest'
import { absolute } from '../../src/sections/parts/base-paths.ts'
import { mistakes } from '../../src/config/issues.ts'
import { bytes, seconds } from '../../src/sections/parts/quantities.ts'
import { configSchema, type ParsedConfig } from '../../src/config/schema.ts'
import { targetOf } from '../../src/config/target.ts'
import { secret } from '../../src/index.ts'

const told = (config: unknown): readonly string[] => {
  const parsed = configSchema.safeParse(config)
  return parsed.success ? [] : mistakes(parsed.error, config)
}
const settled = (config: unknown): ParsedConfig => configSchema.parse(config)
const basePaths = { directory: '/srv/ops', home: '/home/op', host: 'box' }

describe('mistakes name their place and what would be right', () => {
  const target = (sections: object): object => ({ targets: { demo: sections } })
  test.each<[string, unknown, string]>([
    ['nothing', undefined, 'the default export: is missing; expected an object'],
    ['no targets', {}, 'targets: is missing; expected an object'],
    ['empty targets', { targets: {} }, 'targets: expected at least one target'],
    [
      'unknown top key',
      { targets: { demo: {} }, runboks: [] },
      'the default export: unknown setting "runboks"; did you mean "runbooks"?',
    ],
    [
      'unknown section',
      target({ helth: [] }),
      'targets.demo: unknown setting "helth"; did you mean "health"?',
    ],
    ['a stranger', target({ xyzzy: 1 }), 'targets.demo: unknown setting "xyzzy"'],
    [
      'unknown key deep down',
      target({ health: [{ name: 'a', url: 'http://x/', pases: 3 }] }),
      'targets.demo.health.0: unknown setting "pases"; did you mean "passes"?',
    ],
    ['wrong type', target({ title: 7 }), 'targets.demo.title: expected a string, got 7'],
    [
      'an object for a text',
      target({ staging: {} }),
      'targets.demo.staging: expected a string, got an object',
    ],
    ['missing', target({ smoke: {} }), 'targets.demo.smoke.service: is missing; expected a string'],
    [
      'unknown engine',
      target({ database: { engine: 'mysql' } }),
      "targets.demo.database.engine: expected engine: 'postgres' or engine: 'sqlite'",
    ],
    [
      'unknown stack',
      target({ stack: {} }),
      "targets.demo.stack.kind: expected kind: 'compose' or kind: 'process'",
    ],
    [
      'service and host',
      target({ database: { engine: 'postgres', name: 'a', user: 'a', host: 'h', service: 's' } }),
      'targets.demo.database: expected either service (of the Compose stack) or host, and not both',
    ],
    [
      'bad duration',
      target({ objectives: { rto: 'soon' } }),
      `targets.demo.objectives.rto: "soon" is not a duration; write it as '90s', '5m', '26h' or '7d', or as a number of seconds`,
    ],
    [
      'duration without unit',
      target({ objectives: { rto: '15' } }),
      `targets.demo.objectives.rto: "15" is not a duration; write it as '90s', '5m', '26h' or '7d', or as a number of seconds`,
    ],
    [
      'bad size',
      target({ backups: { directory: 'b', pattern: '*', minBytes: '3 pounds' } }),
      `targets.demo.backups.minBytes: "3 pounds" is not a size; write it as '64KiB' or '10MB', or as a number of bytes`,
    ],
    [
      'two expectations',
      target({ assertions: [{ name: 'a', sql: 's', equals: 1, atLeast: 1 }] }),
      'targets.demo.assertions.0: expected exactly one of equals, atLeast and oneOf',
    ],
    [
      'no http',
      target({ health: [{ name: 'a', url: 'file:///etc/passwd' }] }),
      'targets.demo.health.0.url: expected an http or https address',
    ],
    [
      'a health check by nothing',
      target({ health: [{ name: 'a' }] }),
      'targets.demo.health.0: expected either url or service (of the Compose stack)',
    ],
    [
      'a health check by both',
      target({ health: [{ name: 'a', url: 'http://h/', service: 'api' }] }),
      'targets.demo.health.0: expected either url or service (of the Compose stack)',
    ],
    [
      'a body of a service',
      target({ health: [{ name: 'a', service: 'api', json: { ok: true } }] }),
      'targets.demo.health.0: a service is healthy by its own check; status, json, text and bearer are for url',
    ],
    [
      'credentials in an address',
      target({ health: [{ name: 'a', url: 'http://user:CANARYpw12@h/' }] }),
      "targets.demo.health.0.url: expected an address without user and password; put `Basic BASE64`, the base64 of USER:PASSWORD, into a secret and name it as the bearer: secret('VARIABLE')",
    ],
    [
      'credentials in the address of a webhook',
      target({ operators: { announce: { url: 'https://CANARYuser@h/' } } }),
      "targets.demo.operators.announce.url: expected an address without user and password; name the address as a secret: secret('VARIABLE')",
    ],
    [
      'a password for a mail server without TLS',
      target({
        operators: {
          news: [
            {
              by: 'mail',
              server: 'm',
              tls: 'if-offered',
              user: 'a',
              password: { env: 'P' },
              from: 'a@b',
              to: ['c@d'],
            },
          ],
        },
      }),
      "targets.demo.operators.news.0.tls: a password is never sent without TLS; expected 'required' or 'from-start'",
    ],
    [
      'a receiver without the key that it needs',
      target({ operators: { news: [{ by: 'webhook', url: 'https://ntfy.sh', format: 'ntfy' }] } }),
      "targets.demo.operators.news.0.key: format 'ntfy' needs it: key: secret('VARIABLE')",
    ],
    [
      'a key that no receiver takes',
      target({ operators: { announce: { url: 'https://chat', format: 'slack', key: { env: 'K' } } } }),
      "targets.demo.operators.announce.key: only the formats 'ntfy' and 'pagerduty' have one; a token is the `bearer`",
    ],
    [
      'two channels of one name',
      target({
        operators: {
          news: [
            { by: 'command', name: 'bell', command: ['a'] },
            { by: 'command', name: 'bell', command: ['b'] },
          ],
        },
      }),
      'targets.demo.operators.news.1.name: another channel has the name "bell"',
    ],
    [
      'a level that is called on a channel that is not there',
      target({ operators: { escalation: [{ what: 'Call', channels: ['bell'] }] } }),
      'targets.demo.operators.escalation.0.channels.0: no channel has the name "bell"',
    ],
    [
      'credentials in the address of a metrics endpoint',
      target({ metrics: { url: 'https://:CANARYpw12@h/' } }),
      "targets.demo.metrics.url: expected an address without user and password; put `Basic BASE64`, the base64 of USER:PASSWORD, into a secret and name it as the bearer: secret('VARIABLE')",
    ],
    [
      'a password in clear',
      target({ database: { engine: 'postgres', name: 'a', user: 'a', host: 'h', password: 'hunter2!' } }),
      "targets.demo.database.password: expected secret('VARIABLE') or secret({ file: 'PATH' })",
    ],
    [
      'an odd default',
      { targets: { demo: {} }, defaultTarget: 'demmo' },
      'defaultTarget: target "demmo" not found; did you mean "demo"?',
    ],
    [
      'an odd choice',
      target({ data: { directory: 'd', pattern: '*', checksums: 'maybe' } }),
      'targets.demo.data.checksums: "maybe" is not one of required, if-present',
    ],
    [
      'settings that are no JSON',
      target({ settings: { at: new Date() } }),
      'targets.demo.settings: expected a plain object of JSON values',
    ],
    [
      'stories without place',
      { targets: { demo: {} }, stories: { files: 'x.md' } },
      'stories.files: expected {story} in it',
    ],
  ])('%s', (_, config, line) => {
    expect(told(config)).toEqual([line])
  })

  test('all of them at once', () => {
    expect(told({ targets: { demo: { title: 7, smoke: {} } } })).toHaveLength(2)
  })
})

describe('quantities', () => {
  test.each([
    ['90s', 90],
    ['5m', 300],
    ['26h', 93600],
    ['1.5 days', 129600],
    [45, 45],
    ['0s', 0],
  ] as const)('%s is %i seconds', (given, wanted) => {
    expect(seconds(given)).toBe(wanted)
  })
  test.each([
    ['10MB', 10_000_000],
    ['1 GiB', 2 ** 30],
    ['64KiB', 65536],
    [12, 12],
  ] as const)('%s is %i bytes', (given, wanted) => {
    expect(bytes(given)).toBe(wanted)
  })
  test.each(['-5m', '', ' ', '5 parsecs', '1e3'])('%j is no duration', (given) => {
    expect(() => seconds(given)).toThrow('is not a duration')
  })
})

describe('targetOf', () => {
  const of = (sections: object): ReturnType<typeof targetOf> =>
    targetOf(settled({ targets: { demo: sections } }), 'demo', basePaths)

  test('an empty target has a name, a title and nothing else', () => {
    expect(of({})).toEqual({
      name: 'demo',
      title: 'demo',
      objectives: { rtoSeconds: null, rpoSeconds: null },
      settings: {},
    })
  })

  test('services are joined with their stack, paths are absolute', () => {
    const { writers, smoke, stack } = of({
      stack: {
        kind: 'compose',
        project: 'shop',
        files: ['deploy/compose.yml', '~/more.yml'],
        envFiles: ['.env'],
      },
      writers: ['app'],
      smoke: { service: 'smoke' },
    })
    expect(stack).toEqual({
      kind: 'compose',
      project: 'shop',
      directory: '/srv/ops/deploy',
      files: ['/srv/ops/deploy/compose.yml', '/home/op/more.yml'],
      envFiles: ['/srv/ops/.env'],
      profiles: [],
      environment: {},
    })
    expect(writers).toEqual({ stack, names: ['app'] })
    expect(smoke).toEqual({ stack, service: 'smoke', command: [] })
  })

  test('a process service may be just its command', () => {
    const { stack } = of({
      stack: {
        kind: 'process',
        project: 'demo',
        services: { app: ['node', 'app.ts'], smoke: { command: ['node', 'smoke.ts'], oneOff: true } },
      },
    })
    expect(stack).toMatchObject({
      directory: '/srv/ops',
      state: '/srv/ops/.processes/demo',
      services: {
        app: { command: ['node', 'app.ts'], environment: {}, oneOff: false },
        smoke: { oneOff: true },
      },
    })
  })

  test('health checks have defaults, and a bearer is named', () => {
    const { health } = of({
      health: [{ name: 'up', url: 'http://localhost/health', bearer: secret({ file: 'token' }) }],
    })
    expect(health).toEqual([
      {
        name: 'up',
        url: 'http://localhost/health',
        status: 200,
        passes: 3,
        withinSeconds: 120,
        everySeconds: 2,
        timeoutSeconds: 5,
        json: {},
        bearer: { secret: 'token', from: { file: '/srv/ops/token' } },
      },
    ])
  })

  test('a restore test has defaults, and its record is a path', () => {
    expect(of({ restoreTest: {} }).restoreTest).toEqual({
      image: 'postgres:{major}-alpine',
      user: 'postgres',
      readyWithinSeconds: 120,
      room: 8,
      record: null,
    })
    expect(
      of({ restoreTest: { image: 'box:5000/pg:{major}', record: 'docs/rollback.md' } }).restoreTest,
    ).toMatchObject({ image: 'box:5000/pg:{major}', record: '/srv/ops/docs/rollback.md' })
    expect(told({ targets: { demo: { restoreTest: { image: '--privileged' } } } })).toEqual([
      'targets.demo.restoreTest.image: expected the name of an image',
    ])
  })

  test('the phrase names database and host', () => {
    expect(
      of({ database: { engine: 'sqlite', file: 'data/shop.db', applicationDefines: ['GERMAN'] } }).database,
    ).toMatchObject({ applicationDefines: ['GERMAN'] })
    expect(of({ database: { engine: 'sqlite', file: 'data/shop.db' } }).database).toEqual({
      engine: 'sqlite',
      name: 'shop',
      file: '/srv/ops/data/shop.db',
      confirmPhrase: 'restore shop on box',
      fingerprint: 'rows-and-digest',
    })
    const server = of({
      database: {
        engine: 'postgres',
        name: 'shop',
        user: 'app',
        host: 'db1',
        password: secret('PGPASSWORD'),
      },
    })
    expect(server.database).toEqual({
      engine: 'postgres',
      name: 'shop',
      user: 'app',
      confirmPhrase: 'restore shop on db1',
      fingerprint: 'rows-and-digest',
      via: {
        kind: 'server',
        host: 'db1',
        port: 5432,
        password: { secret: 'PGPASSWORD', from: { env: 'PGPASSWORD' } },
      },
    })
  })

  test.each<[object, string]>([
    [{ writers: ['app'] }, 'cannot use the target demo: writers names services, but the target has no stack'],
    [
      { smoke: { service: 'x' } },
      'cannot use the target demo: smoke names services, but the target has no stack',
    ],
    [
      { database: { engine: 'postgres', name: 'a', user: 'a', service: 'db' } },
      'database.service names services, but the target has no stack',
    ],
    [
      {
        stack: { kind: 'process', project: 'p', services: {} },
        database: { engine: 'postgres', name: 'a', user: 'a', service: 'db' },
      },
      'database.service requires a Compose stack, but the stack has kind process',
    ],
  ])('%j is refused', (sections, message) => {
    expect(() => of(sections)).toThrow(message)
  })

  test('an unknown target is answered with the one that was meant', () => {
    expect(() => targetOf(settled({ targets: { demo: {} } }), 'dmeo', basePaths)).toThrow(
      'target "dmeo" not found; did you mean "demo"?',
    )
    expect(() => targetOf(settled({ targets: { demo: {} } }), 'constructor', basePaths)).toThrow(
      'target "constructor" not found',
    )
  })
})

test('paths', () => {
  expect(absolute('~/x', basePaths)).toBe('/home/op/x')
  expect(absolute('../x', basePaths)).toBe('/srv/x')
  expect(absolute('/x/../y', basePaths)).toBe('/y')
})
