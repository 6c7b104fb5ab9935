import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Json, JsonObject } from '../../src/kernel/json.ts'
import { at, isKnown, isPending, pending, preview, resolve, type Lookup } from '../../src/model/pending.ts'
import { addressesIn } from '../../src/model/recording.ts'
import type { Address } from '../../src/model/ref.ts'
import { say } from '../../src/model/say.ts'

const plain = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string(),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(
      fc.string().filter((key) => !key.startsWith('$')),
      tie('value'),
      { maxKeys: 3 },
    ),
  ),
})).value
const address = fc.record({ $ref: fc.constantFrom('a', 'b', 'c'), path: fc.constant([]) })
const wired = fc.letrec<{ value: Json }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    plain,
    address as fc.Arbitrary<Json>,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(
      fc.string().filter((key) => !key.startsWith('$')),
      tie('value'),
      { maxKeys: 3 },
    ),
  ),
})).value
const inputs = fc.dictionary(
  fc.string().filter((key) => !key.startsWith('$')),
  wired,
)
const knows =
  (values: { readonly [id: string]: Json | undefined }): Lookup =>
  (where) =>
    '$ref' in where ? values[where.$ref] : undefined

describe('values of later', () => {
  it('are put in wherever they are named, and nothing else is touched', () => {
    fc.assert(
      fc.property(wired, plain, (value, known) => {
        const found = resolve(value, knows({ a: known, b: known, c: known }))
        expect(found).toHaveProperty('value')
        if (addressesIn(value).length === 0) expect(found).toEqual({ value })
      }),
    )
  })

  it('are missing as long as one is', () => {
    fc.assert(
      fc.property(wired, (value) => {
        const needed = addressesIn(value).map((one) => ('$ref' in one ? one.$ref : ''))
        const found = resolve(value, knows({ a: 1 }))
        const lacking = needed.filter((id) => id !== 'a')
        if (lacking.length === 0) expect(found).toHaveProperty('value')
        else expect((found as { missing: Address }).missing).toMatchObject({ $ref: lacking[0] })
      }),
    )
  })

  it('make pending exactly those properties that name one', () => {
    fc.assert(
      fc.property(inputs, (input) => {
        const shown = preview(input as JsonObject, knows({ a: 1 }))
        expect(Object.keys(shown)).toEqual(Object.keys(input))
        for (const [key, part] of Object.entries(input))
          expect(isPending(shown[key])).toBe(
            addressesIn(part).some((one) => '$ref' in one && one.$ref !== 'a'),
          )
        expect(isKnown(shown)).toBe(!Object.values(shown).some(isPending))
      }),
    )
  })

  it('agree with a preview that knows everything', () => {
    fc.assert(
      fc.property(inputs, plain, (input, known) => {
        const all = knows({ a: known, b: known, c: known })
        expect({ value: preview(input as JsonObject, all) }).toEqual(resolve(input as JsonObject, all))
      }),
    )
  })

  it('keep even keys that JavaScript would bend', () => {
    const odd = JSON.parse('{"__proto__":{"x":1},"constructor":2}') as JsonObject
    expect(JSON.stringify(resolve(odd, () => undefined))).toBe(
      '{"value":{"__proto__":{"x":1},"constructor":2}}',
    )
  })
})

describe('a path', () => {
  it.each<[Json | undefined, string[], Json | undefined]>([
    [{ a: { b: [1, 2] } }, ['a', 'b', '1'], 2],
    [{ a: 1 }, ['b'], undefined],
    [{ a: 1 }, ['a', 'b'], undefined],
    [null, ['a'], undefined],
    [undefined, [], undefined],
    ['text', ['length'], undefined],
    [{ a: 1 }, ['constructor'], undefined],
    [{ a: 1 }, ['__proto__', 'toString'], undefined],
    [[1], ['-1'], undefined],
    [{ a: null }, ['a'], null],
  ])('in %j along %j leads to %j', (value, path, found) => expect(at(value, path)).toEqual(found))
})

describe('a sentence', () => {
  it('says lists, nothing, and what is not known yet', () => {
    expect(
      say`Stops ${['a', 'b', 'c']}, ${['a']}, ${[]}, ${null}, ${0}, ${false} and ${pending('after "Stop"')}.`,
    ).toBe('Stops a, b and c, a, nothing, none, 0, false and ‹after "Stop"›.')
  })
})
