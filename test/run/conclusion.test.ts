import { expect, test } from 'vitest'
import type { Json } from '../../src/kernel/json.ts'
import type { Plan } from '../../src/model/plan.ts'
import { conclusionOf } from '../../src/run/journal/conclusion.ts'
import type { StepState } from '../../src/run/journal/state.ts'

const of = (...outputs: readonly Json[]) =>
  conclusionOf({
    plan: { steps: outputs.map((_, index) => ({ id: `s${index}` })) } as unknown as Plan,
    steps: new Map(outputs.map((output, index) => [`s${index}`, { output } as StepState])),
  })
const conclusion = { summary: '2 problems found', lines: ['one', 'two'] }

test('a run concludes with what its last step with a conclusion found', () => {
  expect(of({ conclusion: { summary: 'earlier', lines: [] } }, { conclusion }, null, { rows: 3 })).toEqual(
    conclusion,
  )
})

test.each([
  null,
  'text',
  [],
  [conclusion],
  { conclusion: 'text' },
  { conclusion: { summary: 1, lines: [] } },
  { conclusion: { summary: 'a', lines: 'b' } },
  { conclusion: { summary: 'a', lines: [1] } },
])('an output of another shape is none: %j', (output) => {
  expect(of(output)).toBeNull()
})
