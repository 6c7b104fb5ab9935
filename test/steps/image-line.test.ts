import { execa } from 'execa'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { imageIn, withImage } from '../../steps/config/lib/image-line.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const edited = (text: string, image = 'contextsafe/api:0.0.9-def5678'): string =>
  Buffer.from(withImage(bytes(text), 'api', image)).toString()

describe('the image line of a Compose file', () => {
  it.each([
    [
      'plain',
      'services:\n  api:\n    image: contextsafe/api:0.1.0-abc1234\n',
      'services:\n  api:\n    image: contextsafe/api:0.0.9-def5678\n',
    ],
    [
      'with a comment, in CRLF',
      'services:\r\n  api:\r\n    image:   contextsafe/api:0.1.0   # the release\r\n    ports: []',
      'services:\r\n  api:\r\n    image:   contextsafe/api:0.0.9-def5678   # the release\r\n    ports: []',
    ],
    [
      'in quotes',
      `services: {api: {"image": "contextsafe/api:0.1.0"}, web: {image: 'nginx:1'}}`,
      `services: {api: {"image": "contextsafe/api:0.0.9-def5678"}, web: {image: 'nginx:1'}}`,
    ],
    [
      'in other quotes, behind a byte order mark and odd letters',
      `\uFEFF# ünï\nservices:\n  api:\n    image: 'contextsafe/api:0.1.0'\n`,
      `\uFEFF# ünï\nservices:\n  api:\n    image: 'contextsafe/api:0.0.9-def5678'\n`,
    ],
    [
      'without a tag',
      'services:\n  api:\n    image: contextsafe/api\n',
      'services:\n  api:\n    image: contextsafe/api:0.0.9-def5678\n',
    ],
    [
      'over the one of a merge',
      'x: &x\n  image: a:1\nservices:\n  api:\n    <<: *x\n    image: b:1\n  jobs:\n    <<: *x\n',
      'x: &x\n  image: a:1\nservices:\n  api:\n    <<: *x\n    image: contextsafe/api:0.0.9-def5678\n  jobs:\n    <<: *x\n',
    ],
    [
      'that another service says too, on a line of its own',
      'services:\n  jobs:\n    image: contextsafe/api:0.1.0\n  api:\n    image: contextsafe/api:0.1.0\n',
      'services:\n  jobs:\n    image: contextsafe/api:0.1.0\n  api:\n    image: contextsafe/api:0.0.9-def5678\n',
    ],
    [
      'that says it already',
      'services:\n  api:\n    image: contextsafe/api:0.0.9-def5678',
      'services:\n  api:\n    image: contextsafe/api:0.0.9-def5678',
    ],
  ])('is changed, and no other byte: %s', (_, before, after) => expect(edited(before)).toBe(after))

  it.each([
    [
      'T.4: a service that is built has none',
      'services:\n  api:\n    build: .\n',
      /no line sets the image of api/,
    ],
    [
      'one that a merge brings',
      'x: &x\n  image: a:1\nservices:\n  api:\n    <<: *x\n',
      /no line sets the image of api/,
    ],
    ['one that is an alias', 'x: &x a:1\nservices:\n  api:\n    image: *x\n', /by an alias/],
    ['one with an anchor', 'services:\n  api:\n    image: &x a:1\n  jobs:\n    image: *x\n', /anchor &x/],
    [
      'one that another service takes over',
      'services:\n  api: &api\n    image: a:1\n  jobs:\n    <<: *api\n    command: x\n',
      /another service too/,
    ],
    [
      'one that a variable decides',
      'services:\n  api:\n    image: a:${TAG:-1}\n',
      /which contains a variable/,
    ],
    ['one over several lines', 'services:\n  api:\n    image: >-\n      a:1\n', /not a string on one line/],
    ['no such service', 'services:\n  web:\n    image: a:1\n', /service api not found/],
    ['no services', 'version: "3"\n', /no services/],
    ['nothing', '', /empty|no services/],
    ['the same key twice', 'services:\n  api:\n    image: a:1\n    image: a:2\n', /unique/],
    ['two documents', 'services: {api: {image: a:1}}\n---\nservices: {}\n', /2 documents/],
    ['no YAML', 'services: [}\n', /cannot change the Compose file/],
    ['bytes that are no text', '', /UTF-8/],
  ])('is refused: %s', (name, text, words) => {
    const body = name === 'bytes that are no text' ? new Uint8Array([0xff, 0xfe, 0x00]) : bytes(text)
    expect(() => withImage(body, 'api', 'contextsafe/api:0.0.9')).toThrow(words)
  })

  it('takes names of images only', () => {
    for (const image of ['', 'contextsafe/api', 'a:1\n  privileged: true', 'a:${X}', 'a b:1', '-a:'])
      expect(() => withImage(bytes('services: {api: {image: a:1}}'), 'api', image)).toThrow(
        /is not an image name with a tag/,
      )
  })

  it('says which it is', () => expect(imageIn(bytes('services: {api: {image: "a:1"}}'), 'api')).toBe('a:1'))

  it('T.4: sed that matches nothing ends well and changes nothing; here it is refused', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'image-line-'))
    try {
      const file = join(folder, 'docker-compose.yml')
      const built = 'services:\n  api:\n    build: .\n'
      await writeFile(file, built)
      const { exitCode } = await execa('sed', [
        '-i',
        's|image: contextsafe/api:.*|image: contextsafe/api:0.0.9-def5678|',
        file,
      ])
      expect([exitCode, await readFile(file, 'utf8')]).toEqual([0, built])
      expect(() => edited(built)).toThrow(/no line sets the image of api/)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
