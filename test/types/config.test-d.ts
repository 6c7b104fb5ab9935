import { describe, expectTypeOf, test } from 'vitest'
import type { z } from 'zod'
import type { configSchema } from '../../src/config/schema.ts'
import { defineConfig, secret, type Config } from '../../src/index.ts'
import type { Json } from '../../src/index.ts'

/** Without the difference between a key that is left out and one that is undefined, which the schemas do not make. */
type Solid<T> = Json extends T
  ? Json
  : T extends readonly (infer Item)[]
    ? readonly Solid<Item>[]
    : T extends object
      ? { readonly [K in keyof T]-?: Solid<Exclude<T[K], undefined>> }
      : T

test('what may be written is what the schemas read, no more and no less', () => {
  expectTypeOf<Config>().toExtend<z.input<typeof configSchema>>()
  expectTypeOf<Solid<z.input<typeof configSchema>>>().toExtend<Solid<Config>>()
  // @ts-expect-error that it would notice a setting which is missing
  expectTypeOf<{ readonly targets: { readonly a: { readonly staging: 7 } } }>().toExtend<Solid<Config>>()
})

describe('defineConfig', () => {
  test('remembers its targets', () => {
    const config = defineConfig({
      defaultTarget: 'demo',
      targets: { demo: { settings: { queue: 'mail' } }, shop: {} },
    })
    expectTypeOf(config.targets.demo.settings.queue).toEqualTypeOf<string>()
    expectTypeOf<keyof typeof config.targets>().toEqualTypeOf<'demo' | 'shop'>()
  })

  test('refuses what it does not know', () => {
    // @ts-expect-error no such section
    defineConfig({ targets: { demo: { helth: [] } } })
    // @ts-expect-error no such key
    defineConfig({ targets: { demo: {} }, runboks: ['x'] })
    // @ts-expect-error no such key in a section
    defineConfig({ targets: { demo: { retention: { dumps: 'x', keepLod: '1d' } } } })
    // @ts-expect-error no such key in a list of a section
    defineConfig({ targets: { demo: { health: [{ name: 'up', url: 'http://x', pases: 3 }] } } })
    // @ts-expect-error no such target
    defineConfig({ targets: { demo: {} }, defaultTarget: 'dmeo' })
    // @ts-expect-error no such engine
    defineConfig({ targets: { demo: { database: { engine: 'mysql', name: 'x' } } } })
    // @ts-expect-error a number is no text
    defineConfig({ targets: { demo: { title: 7 } } })
    defineConfig({
      targets: {
        // @ts-expect-error a password in clear
        demo: { database: { engine: 'postgres', name: 'x', user: 'x', host: 'x', password: 'hunter2' } },
      },
    })
    defineConfig({
      targets: {
        demo: {
          database: { engine: 'postgres', name: 'x', user: 'x', host: 'x', password: secret('PGPASSWORD') },
        },
      },
    })
  })
})
