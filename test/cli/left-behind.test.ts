import { expect, test } from 'vitest'
import { leftBehind } from '../../src/cli/left-behind.ts'
import type { Plan } from '../../src/model/plan.ts'
import type { RunState, StepState } from '../../src/run/journal/state.ts'

const stateOf = (
  kinds: readonly (readonly [kind: string, attempts: number, effect?: string])[],
): Pick<RunState, 'plan' | 'steps'> => ({
  plan: {
    steps: kinds.map(([kind, , effect = 'change'], index) => ({ id: `s${index}`, kind, effect })),
  } as unknown as Plan,
  steps: new Map(kinds.map(([, attempts], index) => [`s${index}`, { attempts } as StepState])),
})

test.each([
  ['nothing was begun', [['host.put-copy', 0]], true, true],
  [
    'a person was asked, and a file put in place',
    [
      ['people.approval', 1, 'decide'],
      ['host.put-copy', 1],
      ['services.start', 0],
    ],
    false,
    false,
  ],
  [
    'Postgres is told to read its rules',
    [
      ['host.find-copy', 1],
      ['access.reload-postgres', 1],
    ],
    true,
    false,
  ],
  [
    'services are started',
    [
      ['host.put-copy', 1],
      ['services.start', 1],
    ],
    true,
    false,
  ],
  [
    'a database is restored',
    [
      ['services.stop', 1],
      ['databases.restore-beside', 1],
    ],
    true,
    true,
  ],
] as const)('where %s', (_, kinds, inDocker, sessions) => {
  expect(leftBehind(stateOf(kinds))).toEqual({ inDocker, sessions })
})
