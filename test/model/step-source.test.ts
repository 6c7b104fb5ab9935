import { describe, expect, it } from 'vitest'
import { sourceOf } from '../../src/model/step-source.ts'
import type { AnyStep } from '../../src/model/step.ts'

const base = {
  kind: 'bare.one',
  version: 1,
  effect: 'observe',
  describe: () => 'One.',
  run: async () => null,
}

const digest = (fields: object): string => sourceOf({ ...base, ...fields } as AnyStep).digest

/** The value of an expression that no formatter touches. */
// oxlint-disable-next-line no-new-func
const valueOf = (text: string): unknown => new Function(`return ${text}`)()

describe('the digest of the code of a step', () => {
  it('is the same whether a later process looks again', () => {
    expect(digest({ lookAgain: true })).toBe(digest({}))
  })

  it.each<[what: string, one: string, other: string]>([
    ['what a tag sees: an escape', '() => String.raw`\\x41`', '() => String.raw`A`'],
    ['what a tag sees: a line break', '() => String.raw`\\n`', '() => String.raw`\n`'],
    ['what a tag sees: no valid escape', '() => String.raw`\\unix`', '() => String.raw`\\users`'],
    ['a number that is too large for JSON', '() => 1e999', '() => null'],
    ['a number that is too large, and its name', '() => 1e999', '() => "Infinity"'],
    ['the type of a number', '() => 1n', '() => 1'],
    [
      'whether a name is private',
      '() => class { #a() { return 1 } a() { return 2 } b() { return this.#a() } }',
      '() => class { a() { return 1 } #a() { return 2 } b() { return this.#a() } }',
    ],
    ['a directive', 'function () { "use strict"; return this }', 'function () { return this }'],
    ['brackets that end an optional chain', '(a) => (a?.b).c', '(a) => a?.b.c'],
    [
      'a shorthand that sets no prototype',
      '(__proto__) => ({ __proto__ })',
      '(__proto__) => ({ __proto__: __proto__ })',
    ],
    ['a hole in a list', '() => [, 1]', '() => [1]'],
  ])('covers %s', (_, one, other) => {
    expect(digest({ run: valueOf(one) })).not.toBe(digest({ run: valueOf(other) }))
    expect(digest({ run: valueOf(one) })).toBe(digest({ run: valueOf(one) }))
  })

  it.each<[what: string, text: string]>([
    ['of super', '(() => { const a = { b() { return () => ⌷ super.c } }; return a.b() })()'],
    ['of a private field', '(() => new (class { #a = 1; b = () => ⌷ this.#a })().b)()'],
    ['that is a private method', '(() => new (class { #a() { ⌷ return 1 } b = this.#a })().b)()'],
    ['of new.target', '(function () { return () => ⌷ new.target })()'],
    ['that is a getter', 'Object.getOwnPropertyDescriptor({ get a() { ⌷ return 1 } }, "a").get'],
    ['that is a generator', '({ async *a() { ⌷ yield 1 } }).a'],
    ['that is only a script', 'function (a) { with (a) { ⌷ return b } }'],
    ['of a template', '(a) => String.raw`x${⌷ a}`'],
  ])('leaves out comments in a function %s', (_, text) => {
    const written = (comment: string): string => digest({ run: valueOf(text.replace('⌷', comment)) })
    expect(written('/* why */')).toBe(written('\n'))
  })

  const inModule = async (code: string): Promise<string> => {
    const text = encodeURIComponent(`export const run = ${code}`)
    return digest({ ...((await import(`data:text/javascript,${text}`)) as object) })
  }

  it('leaves out comments in a function of a module', async () => {
    expect(await inModule('() => /* why */ import.meta.url')).toBe(await inModule('() => import.meta.url'))
  })

  it('leaves out how a bundler writes undefined', () => {
    expect(digest({ run: valueOf('(a) => a ?? void 0') })).toBe(
      digest({ run: valueOf('(a) => a ?? undefined') }),
    )
    expect(digest({ run: valueOf('(a) => void a') })).not.toBe(digest({ run: valueOf('(a) => undefined') }))
  })

  it('leaves out how numbers are written', () => {
    expect(digest({ run: valueOf('() => 0x10 + 1_000') })).toBe(digest({ run: valueOf('() => 16 + 1e3') }))
  })

  const cyclic = (part: string): object => {
    const fields: { [name: string]: unknown } = { part }
    fields['self'] = fields
    return fields
  }
  it.each<[what: string, one: unknown, other: unknown]>([
    ['pattern', /a/, /b/],
    ['map', new Map([['a', 1]]), new Map([['a', 2]])],
    ['set', new Set([1]), new Set([2])],
    ['time', new Date(1), new Date(2)],
    ['bigint', 1n, 2n],
    ['number that JSON lacks', Infinity, NaN],
    ['symbol', Symbol('a'), Symbol('b')],
    ['cycle', cyclic('a'), cyclic('b')],
    ['function with fields', Object.assign(() => 1, { most: 1 }), Object.assign(() => 1, { most: 2 })],
    [
      'instance',
      new (class {
        a = () => 1
      })(),
      new (class {
        a = () => 2
      })(),
    ],
  ])('covers a field of the type %s', (_, one, other) => {
    expect(digest({ own: one })).not.toBe(digest({ own: other }))
    expect(digest({ own: one })).toBe(digest({ own: one }))
  })

  it('covers the code of a function that hides it', () => {
    const hidden = { toString: () => 'hidden', toJSON: () => 'hidden' }
    expect(digest({ run: Object.assign(async () => 1, hidden) })).not.toBe(
      digest({ run: Object.assign(async () => 2, hidden) }),
    )
  })

  const { run: _run, ...looks } = base
  const made = (step: object): string => sourceOf(Object.assign(step, looks) as unknown as AnyStep).digest

  it.each<[what: string, text: string]>([
    ['its class', 'class { async run() { return ⌷ } }'],
    ['a private method', 'class { async run() { return this.#a() } #a() { return ⌷ } }'],
    ['a class that its class extends', 'class extends class { async run() { return ⌷ } } {}'],
    ['a getter', 'class { get run() { return async () => ⌷ } }'],
  ])('covers the code of %s', (_, text) => {
    const instance = (value: string): string =>
      made(new (valueOf(text.replace('⌷', value)) as new () => object)())
    expect(instance('1')).not.toBe(instance('2'))
    expect(instance('1')).toBe(instance('/* why */ 1'))
  })

  it('covers the code of its prototype', () => {
    const inheriting = (run: () => Promise<number>): string => made(Object.create({ run }) as object)
    expect(inheriting(async () => 1)).not.toBe(inheriting(async () => 2))
  })
})
