import { assert, constant, constantFrom, dictionary, jsonValue, oneof, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isPrerelease } from '../../steps/releases/draft-release.ts'
import { withReleaseUrl } from '../../steps/releases/lib/release-url.ts'

const url = 'https://github.com/team/codex/releases/tag/v1.0.1'

describe('the address of a release in a lock file', () => {
  it.each([
    ['{"release_url":null}', `{"release_url":"${url}"}`],
    [
      '{\n\t"release_url" : "https://old/}\\"",\r\n\t"keep": 5 }\n',
      `{\n\t"release_url" : "${url}",\r\n\t"keep": 5 }\n`,
    ],
    [
      '{ "notes": { "release_url": 1 }, "a": [ { "release_url": 2 } ], "release_url": { "x": [1, 2] } }',
      `{ "notes": { "release_url": 1 }, "a": [ { "release_url": 2 } ], "release_url": "${url}" }`,
    ],
    [
      '{ "tarball": "\\"release_url\\": null", "release_url": null }',
      `{ "tarball": "\\"release_url\\": null", "release_url": "${url}" }`,
    ],
    [
      '{\n  "version": "v1",\n  "notes": {}\n}\n',
      `{\n  "version": "v1",\n  "notes": {},\n  "release_url": "${url}"\n}\n`,
    ],
    ['{}', `{"release_url": "${url}"}`],
  ])('stands in %j, and nothing else changes', (before, after) =>
    expect(withReleaseUrl(before, url)).toBe(after),
  )

  it.each(['', '[]', 'null', '{', '{"a":1}x', '{"release_url": null, "release_url": 1}'])(
    'is refused by %j',
    (text) => expect(() => withReleaseUrl(text, url)).toThrow(/lock file/),
  )

  it('changes what any JSON object says in that one place', () => {
    assert(
      property(
        dictionary(oneof(string(), constant('release_url')), jsonValue()),
        constantFrom(undefined, 1, 2, '\t'),
        (lock, indent) => {
          const text = JSON.stringify(lock, null, indent)
          expect(JSON.parse(withReleaseUrl(text, url))).toEqual({
            ...(JSON.parse(text) as object),
            release_url: url,
          })
        },
      ),
      { numRuns: 300 },
    )
  })
})

it.each([
  ['v1.0.1', false],
  ['v1.0.1-rc.1', true],
  ['v1.0.1+build-5', false],
  ['v1.0.1-rc.1+5', true],
])('%s comes before its release: %s', (tag, before) => expect(isPrerelease(tag)).toBe(before))
