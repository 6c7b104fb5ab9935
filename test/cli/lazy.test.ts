import { expect, test } from 'vitest'
import { lazyDriver, once } from '../../src/cli/lazy.ts'

interface Greeter {
  greet(whom: { readonly tongue: string; readonly name: string }): Promise<string>
}

test('a driver is loaded by its first call, chosen by the first argument, and only once', async () => {
  const loaded: string[] = []
  const greeter = (word: string) =>
    once(async (): Promise<Greeter> => {
      loaded.push(word)
      return { greet: async ({ name }) => `${word}, ${name}` }
    })
  const [english, german] = [greeter('hello'), greeter('hallo')]
  const driver = lazyDriver<Greeter>((first) =>
    (first as { readonly tongue: string }).tongue === 'de' ? german() : english(),
  )
  expect(await (async () => driver)()).toBe(driver)
  expect(loaded).toEqual([])
  expect(await driver.greet({ tongue: 'de', name: 'you' })).toBe('hallo, you')
  expect(await driver.greet({ tongue: 'de', name: 'me' })).toBe('hallo, me')
  expect(await driver.greet({ tongue: 'en', name: 'you' })).toBe('hello, you')
  expect(loaded).toEqual(['hallo', 'hello'])
})

test('a driver that could not be loaded is tried again', async () => {
  let tries = 0
  const load = once(async () => {
    tries += 1
    if (tries === 1) throw new Error('not yet')
    return tries
  })
  await expect(load()).rejects.toThrow('not yet')
  expect(await load()).toBe(2)
  expect(await load()).toBe(2)
})
