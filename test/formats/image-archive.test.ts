import { describe, expect, it } from 'vitest'
import { sha256 } from '../../src/kernel/json.ts'
import { imagesIn, type ArchiveContents } from '../../src/formats/image-archive.ts'

const contentsOf = (
  members: { readonly [path: string]: string },
  links: { readonly [path: string]: string } = {},
): ArchiveContents => ({
  digests: new Map(Object.entries(members).map(([path, body]) => [path, sha256(body)])),
  texts: new Map(Object.entries(members)),
  links: new Map(Object.entries(links)),
})

const layer = 'the bytes of a layer'
const config = JSON.stringify({ rootfs: { diff_ids: [`sha256:${sha256(layer)}`] } })
const id = sha256(config)
const classic = (entry: object = {}) => ({
  [`${id}.json`]: config,
  'aa/layer.tar': layer,
  'manifest.json': JSON.stringify([
    { Config: `${id}.json`, RepoTags: ['shop:1'], Layers: ['aa/layer.tar'], ...entry },
  ]),
})

describe('imagesIn', () => {
  it('reads the form before Docker 25, with and without names', () => {
    expect(imagesIn(contentsOf(classic()))).toEqual([{ ids: [`sha256:${id}`], tags: ['shop:1'] }])
    expect(imagesIn(contentsOf(classic({ RepoTags: null })))).toEqual([{ ids: [`sha256:${id}`], tags: [] }])
  })

  it('follows a layer that is a link to another one', () => {
    const linked = contentsOf(classic({ Layers: ['bb/layer.tar'] }), { 'bb/layer.tar': '../aa/layer.tar' })
    expect(imagesIn(linked)).toHaveLength(1)
  })

  it('reads the OCI layout, and knows the ids of both stores', () => {
    const manifest = JSON.stringify({ config: { digest: `sha256:${id}` }, layers: [] })
    const blobs = {
      [`blobs/sha256/${id}`]: config,
      [`blobs/sha256/${sha256(layer)}`]: layer,
      [`blobs/sha256/${sha256(manifest)}`]: manifest,
      'index.json': JSON.stringify({ manifests: [{ digest: `sha256:${sha256(manifest)}` }] }),
      'manifest.json': JSON.stringify([
        { Config: `blobs/sha256/${id}`, RepoTags: ['shop:1'], Layers: [`blobs/sha256/${sha256(layer)}`] },
      ]),
    }
    expect(imagesIn(contentsOf(blobs))).toEqual([
      { ids: [`sha256:${id}`, `sha256:${sha256(manifest)}`], tags: ['shop:1'] },
    ])
  })

  it.each([
    ['no manifest', { 'a.txt': 'x' }, /manifest\.json is missing/],
    ['a manifest that is not JSON', { 'manifest.json': '[' }, /manifest\.json is not JSON/],
    ['no image', { 'manifest.json': '[]' }, /no image in manifest\.json/],
    ['a missing layer', classic({ Layers: ['cc/layer.tar'] }), /cc\/layer\.tar is missing/],
    ['too few layers', classic({ Layers: [] }), /lists 1 layers, but the file contains 0/],
    [
      'an altered layer',
      { ...classic(), 'aa/layer.tar': 'other' },
      /digest mismatch in layer aa\/layer\.tar/,
    ],
    [
      'an altered configuration',
      { ...classic(), [`${id}.json`]: `${config} ` },
      /digest mismatch in \S+: its content does not match its name/,
    ],
    [
      'an altered blob',
      { [`blobs/sha256/${id}`]: 'x', 'manifest.json': '[]' },
      /digest mismatch in \S+: its content does not match its name/,
    ],
  ])('refuses %s', (_, members, why) => {
    expect(() => imagesIn(contentsOf(members as { readonly [path: string]: string }))).toThrow(why)
  })
})
