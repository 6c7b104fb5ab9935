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
