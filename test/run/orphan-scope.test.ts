import { describe, expect, it, test } from 'vitest'
import type { Leftover } from '../../src/drivers/leftover.ts'
import type { Plan } from '../../src/model/plan.ts'
import type { Stored } from '../../src/run/journal/entry.ts'
import { declaredBy, orphanScope } from '../../src/run/engine/orphan-scope.ts'

const all: readonly Leftover[] = ['processes', 'containers', 'sessions']

type Begun = readonly [kind: string, attempts: number, leaves?: readonly Leftover[], effect?: string]

const stored = (type: string, more: object): Stored =>
  ({ run: 'r', entry: { type, step: 's', ...more } }) as unknown as Stored
const began = (input: object, step = 's'): Stored =>
  stored('intent', { step, attempt: 1, input, before: null, prediction: null })

const declared = (steps: readonly Begun[]): readonly Leftover[] => [
  ...declaredBy(
    {
      steps: steps.map(([kind, , leaves, effect = 'change'], index) => ({
        id: `s${index}`,
        kind,
        effect,
        ...(leaves === undefined ? {} : { leaves }),
      })),
    } as unknown as Plan,
    steps.flatMap(([, attempts], index) => (attempts === 0 ? [] : [began({}, `s${index}`)])),
  ),
]

test.each<[string, readonly Begun[], readonly Leftover[]]>([
  ['nothing was begun', [['host.put-copy', 0, []]], all],
  [
    'a person was asked, and a file put in place',
    [
      ['people.approval', 1, [], 'decide'],
      ['host.put-copy', 1, []],
      ['services.start', 0, ['processes', 'containers']],
    ],
    [],
  ],
  [
    'services are started',
    [
      ['host.put-copy', 1, []],
      ['services.start', 1, ['processes', 'containers']],
    ],
    ['processes', 'containers'],
  ],
  [
    'one step declares nothing, as every step in an older journal',
    [
      ['services.stop', 1, ['processes', 'containers']],
      ['team.replay', 1],
    ],
    all,
  ],
  ...['host', 'access', 'services', 'http', 'records'].map(
    (family): [string, Begun[], readonly Leftover[]] => [
      `a step of an older journal is called ${family}.…`,
      [[`${family}.replay`, 1]],
      all,
    ],
  ),
])('where %s', (_, steps, places) => expect(declared(steps)).toEqual(places))

const via = { kind: 'server', host: 'db', port: 5432, password: null }
const database = { engine: 'postgres', name: 'shop', user: 'shop', via }
const opened = (target: object, leaves?: readonly Leftover[]): Stored =>
  stored('opened', {
    plan: {
      target,
      params: {},
      steps: [{ id: 's', phase: 'reversible', input: {}, ...(leaves === undefined ? {} : { leaves }) }],
    },
  })

it.each<[string, readonly Stored[], boolean]>([
  ['nothing was begun', [], false],
  ['a step was given a database', [began({ database: { engine: 'postgres', name: 'shop', via } })], true],
  [
    'a step was given several',
    [
      began({
        file: null,
        databases: [{ engine: 'postgres', via: { kind: 'compose', service: 'db' } }],
      }),
    ],
    true,
  ],
  ['where it is was masked', [began({ database: { engine: 'postgres', via: '***' } })], true],
  ['a step was given its name only', [began({ name: 'shop', engine: 'postgres' })], false],
  [
    'a step was given a server of the run',
    [
      began({
        throwaway: { database: { engine: 'postgres', via: { kind: 'throwaway', container: 'c' } } },
      }),
    ],
    false,
  ],
  [
    'a step was only foretold',
    [stored('foretold', { input: { database: { engine: 'postgres', via } } })],
    false,
  ],
])('where %s', (_, entries, given) =>
  expect(orphanScope([opened({ database }), ...entries]).databases).toEqual(given ? [database] : []),
)

describe('the places that are asked', () => {
  const compose = { kind: 'compose', project: 'shop' }
  const begun = (
    target: object,
    leaves: readonly Leftover[] | undefined,
    input: object = { database },
  ): readonly Stored[] => [opened(target, leaves), began(input)]
  const asked = (entries: readonly Stored[]) => {
    const { docker, databases } = orphanScope(entries)
    return { docker, databases: databases.length }
  }

  it.each<[string, readonly Stored[], { docker: boolean; databases: number }]>([
    [
      'all that the target has',
      begun({ stack: compose, database }, undefined),
      { docker: true, databases: 1 },
    ],
    ['no Docker where the target has none', begun({ database }, undefined), { docker: false, databases: 1 }],
    ['no server where it has none', begun({ stack: compose }, undefined, {}), { docker: true, databases: 0 }],
    [
      'no server whose address no step was given',
      begun({ stack: compose, database }, undefined, { name: 'shop' }),
      { docker: true, databases: 0 },
    ],
    [
      'no server where the steps leave no session',
      begun({ stack: compose, database }, ['processes', 'containers']),
      { docker: true, databases: 0 },
    ],
    [
      'a stack of Compose that a step was given, where the target has another',
      begun({ stack: { kind: 'process', project: 'shop' } }, undefined, { services: { stack: compose } }),
      { docker: true, databases: 0 },
    ],
    [
      'no stack that was given to a step which leaves nothing there',
      begun({}, ['processes'], { stack: compose }),
      { docker: false, databases: 0 },
    ],
    [
      'only this machine where they leave nothing elsewhere',
      begun({ stack: compose, database }, ['processes']),
      { docker: false, databases: 0 },
    ],
  ])('are %s', (_, entries, places) => expect(asked(entries)).toEqual(places))

  it('are this machine, with every process that a step was seen to start', () => {
    const child = { pid: 7, startTime: 1, argv0: 'sleep' }
    const spawned = { run: 'r', entry: { type: 'spawned', step: 's', child } } as unknown as Stored
    expect(orphanScope([...begun({}, []), spawned]).children).toEqual([{ child, step: 's' }])
  })

  const elsewhere = { ...database, name: 'stock', via: { ...via, host: 'other' } }
  const inCompose = {
    ...database,
    via: { kind: 'compose', stack: compose, service: 'db' },
  }
  const throwaway = { ...database, via: { kind: 'throwaway', container: 'c' } }
  const masked = { ...database, via: { ...via, host: 'a.[redacted:PGPASSWORD].b' } }
  it.each<[string, object, object, readonly object[]]>([
    ['another server that a step was given', { database }, { from: elsewhere }, [elsewhere, database]],
    ['a server that the target lacks', {}, { databases: [{ of: elsewhere }] }, [elsewhere]],
    ['one server once', { database }, { a: database, b: { ...database, name: 'copy' } }, [database]],
    ['no throwaway', {}, { throwaway }, []],
    ['the server of the target where another is masked', { database }, { masked }, [database]],
    [
      'a service of Compose without its login, which may be refused',
      { database: inCompose },
      { login: { ...inCompose, via: { ...inCompose.via, login: { host: 'db', password: null } } } },
      [inCompose],
    ],
  ])('are %s', (_, target, input, servers) =>
    expect(orphanScope([opened(target), began(input)]).databases).toEqual(servers),
  )

  it('are not servers of a step that leaves no session', () =>
    expect(orphanScope([opened({}, ['processes']), began({ elsewhere })]).databases).toEqual([]))

  it('are those of a step that was killed in its survey, before its intent', () => {
    const spawned = stored('spawned', { child: { pid: 7, startTime: 1, argv0: 'psql' } })
    const before = { id: 'before', phase: 'reversible', input: {}, leaves: [] }
    const surveyed = { id: 's', phase: 'reversible', input: { database }, leaves: ['sessions'] }
    const plan = { target: { database }, params: {}, steps: [before, surveyed] }
    const killed = [stored('opened', { plan }), began({}, 'before')]
    expect(orphanScope(killed).databases).toEqual([])
    expect(orphanScope([...killed, spawned]).databases).toEqual([database])
  })

  it('are also those of code that was accepted since, for the steps that were begun', () => {
    const accepted = (step: string) => stored('resumed', { leaves: { [step]: ['sessions'] } })
    expect(orphanScope([...begun({ database }, []), accepted('s')]).databases).toEqual([database])
    expect(orphanScope([...begun({ database }, []), accepted('other')]).databases).toEqual([])
  })
})
