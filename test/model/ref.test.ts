import { describe, expect, it } from 'vitest'
import { addressOf, maybe, nameOf, refTo } from '../../src/model/ref.ts'

const ref = refTo<{ readonly a: { readonly b: number } }>({ $ref: 'make-it', path: [] }) as unknown as Record<
  string,
  never
> & { readonly a: { readonly b: never } }

describe('a ref', () => {
  it('names its parts, the same part by the same ref', () => {
    expect(addressOf(ref.a.b)).toEqual({ $ref: 'make-it', path: ['a', 'b'] })
    expect(ref.a).toBe(ref.a)
    expect(nameOf({ $ref: 'make-it', path: ['a', 'b'] })).toBe('make-it.a.b')
    expect(nameOf({ $param: 'badSince', path: ['x'] })).toBe('--bad-since.x')
  })

  it.each<[string, RegExp, () => unknown]>([
    ['put into text', /turned into text or a number/, () => `${ref as unknown as string}`],
    ['added to', /turned into text or a number/, () => (ref as unknown as number) + 1],
    ['written as text', /turned into text while/, () => (ref as { toString: () => string }).toString()],
    ['written as JSON', /turned into text while/, () => JSON.stringify({ ref })],
    ['awaited', /awaited/, () => (ref as unknown as { then: unknown }).then],
    ['spread into an object', /listed or spread/, () => ({ ...ref })],
    ['spread into a list', /looped over/, () => [...(ref as unknown as string[])]],
    [
      'looped over',
      /looped over/,
      () => {
        for (const one of ref as unknown as string[]) void one
      },
    ],
    ['listed', /listed or spread/, () => Object.keys(ref)],
    ['searched', /searched with `in`/, () => 'a' in ref],
    [
      'written to',
      /written to/,
      () => {
        ;(ref as Record<string, unknown>)['a'] = 1
      },
    ],
    ['defined on', /written to/, () => Object.defineProperty(ref, 'x', { value: 1 })],
    [
      'deleted from',
      /written to/,
      () => {
        delete (ref as Record<string, unknown>)['a']
      },
    ],
  ])('throws when it is %s, and says what to do instead', (_, message, misuse) => {
    expect(misuse).toThrow(message)
    expect(misuse).toThrow(
      /^make-it is a ref, not a value, and was .*pass it to a step as it is, or branch with when\(ref, …\)$/,
    )
  })

  it('rejects when it is awaited in an async script', async () => {
    await expect((async () => await ref)()).rejects.toThrow('awaited')
  })

  it('may be missing where it says so', () => {
    expect(addressOf(maybe(ref.a as never))).toEqual({ $ref: 'make-it', path: ['a'], maybe: true })
    expect(() => maybe(refTo({ $param: 'p', path: [] }))).toThrow('maybe(…) is for the output of a step')
    expect(() => maybe('text' as never)).toThrow('maybe(…) is for the output of a step')
  })

  it('is nothing but itself', () => {
    expect(addressOf({ $ref: 'make-it', path: [] })).toBeUndefined()
    expect(addressOf(null)).toBeUndefined()
  })
})
