import { describe, expect, it, test } from 'vitest'
import type { Leftover } from '../../src/drivers/leftover.ts'
import type { Plan } from '../../src/model/plan.ts'
import type { Stored } from '../../src/run/journal/entry.ts'
import { declaredBy, orphanScope, wasGivenServer } from '../../src/run/engine/orphan-scope.ts'
import type { StepState } from '../../src/run/journal/state.ts'

const all: readonly Leftover[] = ['processes', 'containers', 'sessions']

type Begun = readonly [kind: string, attempts: number, leaves?: readonly Leftover[], effect?: string]

const declared = (steps: readonly Begun[]): readonly Leftover[] => [
  ...declaredBy({
    plan: {
      steps: steps.map(([kind, , leaves, effect = 'change'], index) => ({
        id: `s${index}`,
        kind,
        effect,
        ...(leaves === undefined ? {} : { leaves }),
      })),
    } as unknown as Plan,
    steps: new Map(steps.map(([, attempts], index) => [`s${index}`, { attempts } as StepState])),
  }),
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
const stored = (type: string, input: object): Stored =>
  ({
    run: 'r',
    entry: { type, step: 's', attempt: 1, input, before: null, prediction: null },
  }) as unknown as Stored

it.each<[string, readonly Stored[], boolean]>([
  ['nothing was begun', [], false],
  [
    'a step was given a database',
    [stored('intent', { database: { engine: 'postgres', name: 'shop', via } })],
    true,
  ],
  [
    'a step was given several',
    [
      stored('intent', {
        file: null,
        databases: [{ engine: 'postgres', via: { kind: 'compose', service: 'db' } }],
      }),
    ],
    true,
  ],
  ['where it is was masked', [stored('intent', { database: { engine: 'postgres', via: '***' } })], true],
  ['a step was given its name only', [stored('intent', { name: 'shop', engine: 'postgres' })], false],
  [
    'a step was given a server of the run',
    [
      stored('intent', {
        throwaway: { database: { engine: 'postgres', via: { kind: 'throwaway', container: 'c' } } },
      }),
    ],
    false,
  ],
  ['a step was only foretold', [stored('foretold', { database: { engine: 'postgres', via } })], false],
])('where %s', (_, entries, given) => expect(wasGivenServer(entries)).toBe(given))

describe('the places that are asked', () => {
  const database = { engine: 'postgres', name: 'shop', via }
  const compose = { kind: 'compose', project: 'shop' }
  const begun = (target: object, leaves: readonly Leftover[] | undefined, input: object = { database }) => [
    {
      run: 'r',
      entry: {
        type: 'opened',
        plan: {
          target,
          steps: [{ id: 's', phase: 'reversible', ...(leaves === undefined ? {} : { leaves }) }],
        },
      },
    } as unknown as Stored,
    stored('intent', input),
  ]
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
    ['no server where it has none', begun({ stack: compose }, undefined), { docker: true, databases: 0 }],
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
})
