import { describe, expect, it } from 'vitest'
import { flagOf, param, type Param } from '../../src/model/param.ts'
import type { Json } from '../../src/kernel/json.ts'

const at = { directory: '/home/op' }
const password = param.secret('Password', { name: 'password', env: 'PGPASSWORD' })

describe('a parameter', () => {
  it.each<[string, Param<never>, string, Json]>([
    ['text', param.text('t'), ' as it is ', ' as it is '],
    ['an absolute path', param.path('p'), '/a/b', '/a/b'],
    ['a relative path', param.path('p'), 'b/c', '/home/op/b/c'],
    ['a path of here', param.path('p'), './c', '/home/op/c'],
    ['a path that goes up', param.path('p'), '../c', '/home/op/../c'],
    ['a moment in UTC', param.instant('i'), '2026-02-03T04:12:00Z', '2026-02-03T04:12:00.000Z'],
    ['a moment with a zone', param.instant('i'), '2026-02-03 05:12+01:00', '2026-02-03T04:12:00.000Z'],
    ['an integer', param.integer('n'), '-12', -12],
    ['a flag that is given', param.flag('f'), '', true],
    ['a flag that says no', param.flag('f'), 'No', false],
    ['a choice', param.choice('c', ['a', 'b']), 'b', 'b'],
    ['a secret of another variable', password, 'env:OTHER', { secret: 'password', from: { env: 'OTHER' } }],
    ['a secret of a file', password, 'file:key', { secret: 'password', from: { file: '/home/op/key' } }],
  ] as unknown as [string, Param<never>, string, Json][])('reads %s', (_, one, raw, value) => {
    expect(one.parse(raw, at)).toEqual(value)
  })

  it.each<[string, Param<never>, string, string]>([
    ['an empty path', param.path('p'), '', 'a path cannot be empty or contain NUL'],
    ['a path with a NUL', param.path('p'), 'a\0b', 'a path cannot'],
    ['a moment without a zone', param.instant('i'), '2026-02-03T04:12:00', 'is not a time with a zone'],
    ['a moment that never was', param.instant('i'), '2026-13-03T04:12:00Z', 'is not a time with a zone'],
    ['a word for a moment', param.instant('i'), 'yesterday', 'is not a time with a zone'],
    ['half a number', param.integer('n'), '1.5', 'is not an integer'],
    ['no number', param.integer('n'), '', 'is not an integer'],
    ['a number too large to be exact', param.integer('n'), '9007199254740993', 'is not an integer'],
    ['a flag that says neither', param.flag('f'), 'perhaps', 'is neither yes nor no'],
    ['a choice that is none', param.choice('c', ['a', 'b']), 'c', 'is not one of a, b'],
    ['a secret on the command line', password, 'hunter22', 'a secret cannot be given on the command line'],
    ['a secret of nothing', password, 'env:', 'a secret cannot be given on the command line'],
  ] as unknown as [string, Param<never>, string, string][])('refuses %s', (_, one, raw, message) => {
    expect(() => one.parse(raw, at)).toThrow(message)
  })

  it('never repeats a secret that was typed', () => {
    expect(() => password.parse('hunter22', at)).toThrow(
      expect.not.objectContaining({ message: expect.stringContaining('hunter22') as string }),
    )
  })

  it('must be given unless it has a default; every method gives a new one', () => {
    const text = param.text('t')
    expect(text.fallback).toBeUndefined()
    expect(text.optional().fallback).toBeNull()
    expect(text.default('x').fallback).toBe('x')
    expect(text.fallback).toBeUndefined()
    expect(param.flag('f').fallback).toBe(false)
    expect(password.fallback).toEqual({ secret: 'password', from: { env: 'PGPASSWORD' } })
    expect(param.choice('c', ['a', 'b']).optional().choices).toEqual(['a', 'b'])
  })

  it('is typed with hyphens', () =>
    expect(['badSince', 'x', 'keepOldHTML'].map(flagOf)).toEqual(['--bad-since', '--x', '--keep-old-html']))
})
