import { describe, expect, it } from 'vitest'
import { cannot, failureOf } from '../../src/kernel/errors.ts'

describe('an error made of its parts', () => {
  it('says what was being done, to what and why, and carries what to type next', () => {
    const error = cannot('read', '/srv/.env', 'no such file', {
      code: 'preflight',
      hint: 'set stack.envFiles',
    })
    expect(failureOf(error)).toEqual({
      code: 'preflight',
      message: 'cannot read /srv/.env: no such file',
      hint: 'set stack.envFiles',
    })
  })

  it('takes the reason from its cause where it is given none', () => {
    const error = cannot('read', '/srv/.env', null, { code: 'failed', cause: new Error('permission denied') })
    expect(failureOf(error)).toEqual({ code: 'failed', message: 'cannot read /srv/.env: permission denied' })
  })
})

describe('anything thrown', () => {
  const cyclic = new Error('no space')
  cyclic.cause = new Error('write failed', { cause: cyclic })

  it.each<[what: string, thrown: unknown, message: string]>([
    ['text', 'no space', 'no space'],
    ['nothing', undefined, 'undefined'],
    ['an object without a text', Object.create(null), 'a value of type object'],
    ['a message that is no text', Object.assign(new Error(), { message: 28 }), '28'],
    ['an error that causes itself', cyclic, 'no space: write failed'],
  ])('has a message: %s', (_, thrown, message) => {
    expect(failureOf(thrown)).toEqual({ code: 'failed', message })
  })
})
