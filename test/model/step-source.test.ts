import { expect, test } from 'vitest'
import { sha256 } from '../../src/kernel/json.ts'
import { sourceOf } from '../../src/model/step-source.ts'
import type { AnyStep } from '../../src/model/step.ts'

/** Written as text: a compiler may rewrite the syntax of this file. */
const fields = `{
  kind: 'bare.all', version: 2, effect: 'change', leaves: ['processes'], timeoutSeconds: 1e400, duty: undefined,
  marks: { upAfter: true, downFrom: false, dataAsOf: ({ at }) => at ?? null },
  formerly: [{ kind: 'bare.former', version: 1, describe: function () { return 'It was so.' } }],
  describe: (input) => \`All of \${input.name}.\`,
  needs() { return [, 'b', 0x10, 12n, -1.50, "it's"] },
  async survey(look, { 'a': a, ['b']: b = 1, ...rest }) { ;; for await (const one of rest.list) if (/[/]\\u{1F600}"/giu.test(one)) continue; return a?.[b]?.() },
  run: class { static #hidden = 1; static { this.open = this.#hidden } get 'it'() { return new.target } 1() {} },
  probe: async function* named() { yield* [...arguments].map((_, i) => ({ i, [i]: i ** 2 })) },
  undo: Math.max,
}`

test('the source of a step has the digests that journals contain', () => {
  // oxlint-disable-next-line no-new-func
  const { all, behaviour, digest } = sourceOf(new Function(`return ${fields}`)() as AnyStep)
  expect(sha256(all)).toBe('3dc409844a61b352952a08b4faadc7913929cf04d59e675248c7901ed25de1d1')
  expect(digest).toBe('76276169463e36e7f61e4560761902ef0cdd6d4863450a2ed4121eefa9d551b5')
  expect(sha256(behaviour)).toBe(digest)
})
