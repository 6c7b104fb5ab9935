import { describe, expect, it, test } from 'vitest'
import { tagBefore, tagsIn } from '../../steps/releases/lib/registry.ts'
import type { Look } from '../../src/index.ts'

test.each([
  ['2025-12-20-rc2', ['2025-12-20-rc2', '2025-12-15-rc1', '2025-12-20-rc10', 'latest'], '2025-12-15-rc1'],
  ['1.10.0', ['1.9.0', '1.2.0', '1.11.0', 'v1.9.9'], '1.9.0'],
  ['2025-12-20-rc2', ['latest', 'main', 'pr-17'], null],
  ['rc1', ['rc1', 'rc2'], null],
  ['rc1', [], null],
])('before %s among %j comes %s', (present, tags, wanted) => {
  expect(tagBefore(tags, present)).toBe(wanted)
})

describe('the tags of a registry', () => {
  const asking = (answers: (url: string) => { readonly status: number; readonly json: unknown }) => {
    const asked: string[] = []
    const get = async (url: string) => {
      asked.push(url)
      return { ...answers(url), excerpt: '', milliseconds: 1 }
    }
    return { asked, look: { http: { get } } as unknown as Pick<Look, 'http'> }
  }
  const registry = { tags: 'http://r/v2/api/tags/list', bearer: null }

  it('are asked for a page at a time', async () => {
    const all = Array.from({ length: 1500 }, (_, index) => `rc${index}`)
    const { look, asked } = asking((url) => ({
      status: 200,
      json: { tags: url.includes('last=rc999') ? all.slice(1000) : all.slice(0, 1000) },
    }))
    expect(await tagsIn(look, registry)).toEqual(all)
    expect(asked).toEqual(['http://r/v2/api/tags/list?n=1000', 'http://r/v2/api/tags/list?n=1000&last=rc999'])
  })

  it('of one that pays no heed to pages are not asked for again and again', async () => {
    const all = Array.from({ length: 1000 }, (_, index) => `rc${index}`)
    const { look, asked } = asking(() => ({ status: 200, json: { tags: all } }))
    expect(await tagsIn(look, registry)).toEqual(all)
    expect(asked).toHaveLength(2)
  })

  it.each([
    [404, { errors: [] }],
    [200, null],
    [200, { tags: 'rc1' }],
    [200, { tags: [1] }],
    [200, []],
  ])('are refused where it answers %i %j', async (status, json) => {
    await expect(tagsIn(asking(() => ({ status, json })).look, registry)).rejects.toMatchObject({
      code: 'preflight',
    })
  })

  it('are none for a repository that lost its last one', async () => {
    expect(await tagsIn(asking(() => ({ status: 200, json: { tags: null } })).look, registry)).toEqual([])
  })
})
