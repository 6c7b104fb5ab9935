import { describe, expect, it } from 'vitest'
import { acts, isStepFunction, type AnyStep } from '../../src/model/step.ts'
import * as steps from '../../steps/index.ts'

/** Steps with an undo and no guards, by kind, each with the reason. */
const unguarded: { readonly [kind: string]: string } = {
  'images.fetch-release':
    'only runs of an earlier version still have it, and they recorded no id of the image',
}

const shipped: readonly AnyStep[] = Object.values(steps)
  .filter(isStepFunction)
  .flatMap(({ step }) => [step, ...(step.formerly ?? [])])

describe('every shipped step that can be undone', () => {
  it('says what its undo relies on, or why it cannot', () => {
    const without = shipped
      .filter((step) => acts(step) && step.undo !== undefined && step.undoGuards === undefined)
      .map(({ kind }) => kind)
    expect(without).toEqual(Object.keys(unguarded))
  })
})
