import { describe, expect, expectTypeOf, it } from 'vitest'
import { defineConfig } from '../../src/config/define.ts'
import type { Target } from '../../src/model/target.ts'
import { targetOf } from '../../src/testing/index.ts'

const config = defineConfig({
  targets: {
    shop: {
      title: 'The shop',
      stack: { kind: 'compose', project: 'shop', files: ['compose.yml'] },
      writers: ['web'],
      backups: { directory: './backups', pattern: 'shop_{time}.dump' },
      health: [{ name: 'web', url: 'http://127.0.0.1/health' }],
      settings: { page: '/srv/page.html' },
    },
  },
})

describe('a target of a configuration', () => {
  it('is resolved as a run sees it', () => {
    const target = targetOf(config, 'shop')
    expectTypeOf(target).toEqualTypeOf<Target>()
    expect(target).toMatchObject({
      name: 'shop',
      title: 'The shop',
      objectives: { rtoSeconds: null, rpoSeconds: null },
      writers: { stack: { project: 'shop', files: ['/project/compose.yml'] }, names: ['web'] },
      backups: { directory: '/project/backups' },
      health: [{ name: 'web', status: 200 }],
      settings: { page: '/srv/page.html' },
    })
  })

  it('has its paths where the test wants them', () => {
    expect(targetOf(config, 'shop', { directory: '/srv/shop' })).toMatchObject({
      backups: { directory: '/srv/shop/backups' },
    })
  })

  it('is refused with every mistake of the configuration', () => {
    const wrong = { targets: { shop: { helth: [], writers: 'web' } } } as never
    expect(() => targetOf(wrong, 'shop' as never)).toThrow(
      /^cannot use the configuration:\n(?: {2}.*\n){1,}.*helth|^cannot use the configuration:\n {2}.*helth/,
    )
  })

  it('is refused with a name that the configuration does not have', () => {
    // @ts-expect-error there is no such target
    expect(() => targetOf(config, 'shpo')).toThrow('target "shpo" not found; did you mean "shop"?')
  })
})
