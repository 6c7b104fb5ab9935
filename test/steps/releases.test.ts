import { describe, expect, it } from 'vitest'
import { claimOf } from '../../steps/releases/lib/lock.ts'
import { namedIn, releaseStamp, releaseFilesOf, toPrune, versionOf } from '../../steps/releases/lib/names.ts'
import { releaseTag } from '../../steps/releases/tag-release-image.ts'
import { listedIn, withChecksum, withoutChecksums } from '../../steps/releases/lib/sums.ts'

const hash = 'ab'.repeat(32)
const stem = (day: number): string => `api-v1.0.${day}-2025-09-0${day}T101500Z`
const both = (day: number): readonly string[] => [`${stem(day)}.tar.gz`, `${stem(day)}.lock.json`]

describe('the version of a release', () => {
  const sha = '0123456789abcdef0123456789abcdef01234567'
  it.each<[string, readonly string[], string | null, string]>([
    ['the tag of the commit', ['v1.0.1'], null, 'v1.0.1'],
    ['the only tag that is a version', ['latest', 'v1.0.1', 'very-good'], null, 'v1.0.1'],
    ['the commit', ['latest'], null, 'git-0123456'],
    ['what is told', ['v1.0.1', 'v1.0.2'], 'v1.0.3-rc.1', 'v1.0.3-rc.1'],
  ])('is %s', (_, tags, told, version) => expect(versionOf({ sha, tags }, told)).toBe(version))

  it.each([
    ['codex', 'v1.0.1', 'codex:v1.0.1'],
    ['codex:latest', 'v1.0.1+2', 'codex:v1.0.1-2'],
    ['localhost:5000/codex', 'v1', 'localhost:5000/codex:v1'],
    ['localhost:5000/codex:dev', 'git-abc1234', 'localhost:5000/codex:git-abc1234'],
  ])('is the tag of the image %s at %s', (image, version, tag) =>
    expect(releaseTag(image, version)).toBe(tag),
  )

  it('is stamped as ever', () =>
    expect(releaseStamp(new Date('2025-09-22T10:15:00.123Z'))).toBe('2025-09-22T101500Z'))
})

describe('a folder of releases', () => {
  it('holds pairs, newest first by name, and unpaired; everything else is none of it', () => {
    const others = [
      'SHA256SUMS',
      'stack-images-2025-09-12.lock.json',
      'api-notes.md',
      'api-vX-2025-09-04T101500Z.tar.gz',
      `${stem(9)}.tar.gz.partial`,
      `other-${stem(1)}.tar.gz`,
      'api-v1-2025-13-04T101500Z.tar.gz',
      'api-server-v1.0.1-2025-09-01T101500Z.tar.gz',
    ]
    const shelf = releaseFilesOf(
      [
        ...both(1),
        ...both(3),
        ...both(2),
        `${stem(4)}.tar.gz`,
        `${stem(5)}.lock.json`,
        'api-git-abc1234-2025-09-06T101500Z.lock.json',
        ...others,
      ],
      'api',
    )
    expect(shelf.pairs.map((pair) => pair.stem)).toEqual([stem(3), stem(2), stem(1)])
    expect(shelf.unpaired).toEqual([
      'api-git-abc1234-2025-09-06T101500Z.lock.json',
      `${stem(4)}.tar.gz`,
      `${stem(5)}.lock.json`,
    ])
  })

  it('T.23: is pruned in pairs by the time in their names; neither a bundle in use nor the newest verified one goes', () => {
    // Two lists by time of change, as the script has them: a lock file that was given its release_url later looks newer than its bundle.
    const changed = new Map(
      [...both(1), ...both(2), ...both(3)].map((file, index) => [file, index] as const),
    ).set(`${stem(1)}.lock.json`, 99)
    const naive = (ending: string): readonly string[] =>
      [...changed.keys()]
        .filter((file) => file.endsWith(ending))
        .sort((one, other) => (changed.get(other) ?? 0) - (changed.get(one) ?? 0))
        .slice(2)
    expect([...naive('.tar.gz'), ...naive('.lock.json')]).toEqual([
      `${stem(1)}.tar.gz`,
      `${stem(2)}.lock.json`,
    ])

    const { pairs } = releaseFilesOf([...both(1), ...both(2), ...both(3)], 'api')
    const gone = (keep: number, inUse: readonly string[], verified: string | null): readonly string[] =>
      toPrune(pairs, { keep, inUse: new Set(inUse), verified }).map((pair) => pair.stem)
    expect(gone(2, [], stem(3))).toEqual([stem(1)])
    expect(gone(1, [`${stem(1)}.tar.gz`], stem(3))).toEqual([stem(2)])
    expect(gone(1, [], stem(2))).toEqual([stem(1)])
    expect(gone(9, [], null)).toEqual([])
  })

  it('is pointed into by names and paths', () =>
    expect(namedIn(`releases/${stem(1)}.tar.gz\r\n\n ${stem(2)}\n`)).toEqual([`${stem(1)}.tar.gz`, stem(2)]))
})

describe('SHA256SUMS', () => {
  it.each<[string | null, string]>([
    [null, `${hash}  a\n`],
    ['', `${hash}  a\n`],
    [`${hash}  b\n`, `${hash}  b\n${hash}  a\n`],
    [`${hash}  b`, `${hash}  b\n${hash}  a\n`],
  ])('gets a line more after %j', (text, after) => expect(withChecksum(text, 'a', hash)).toBe(after))

  it('loses only the lines for the files named, byte by byte', () => {
    const text = `# by hand\r\n${hash}  /home/x/releases/a\n${hash} *b\r\n${hash}  aa\nSHA256 (a) = ${hash}\n${hash}`
    expect(withoutChecksums(text, ['a'])).toBe(`# by hand\r\n${hash} *b\r\n${hash}  aa\n${hash}`)
    expect(withoutChecksums(text, [])).toBe(text)
    expect(listedIn(text, ['a', 'b', 'c'])).toEqual(['a', 'b'])
    expect(listedIn(null, ['a'])).toEqual([])
  })
})

describe('a lock file', () => {
  it('is read for what it claims, by whomever it was written', () => {
    expect(
      claimOf(
        JSON.stringify({
          version: 'v1.0.1',
          tarball: 'releases/a.tar.gz',
          tarball_sha256: hash.toUpperCase(),
          git_sha: 'C0FFEE012345',
          more: 1,
        }),
        'x',
      ),
    ).toEqual({ version: 'v1.0.1', tarball: 'a.tar.gz', sha256: hash, commit: 'c0ffee012345' })
    expect(
      claimOf(
        JSON.stringify({ version: 'v1.0.1', tarball: 'a.tar.gz', tarball_sha256: hash, git_sha: '' }),
        'x',
      ),
    ).toMatchObject({ commit: null })
  })

  it.each([
    ['', 'cannot read the lock file x.lock.json: not JSON'],
    ['{"version":', 'cannot read the lock file x.lock.json: not JSON'],
    ['null', 'not a JSON object'],
    ['{}', 'no version in it'],
    ['{"version":"v1","tarball":null}', 'no tarball in it'],
    ['{"version":"v1","tarball":"a/.."}', 'no SHA-256 of its tarball'],
    [`{"version":"v1","tarball":"a/..","tarball_sha256":"${hash}"}`, 'its tarball is not a file name'],
    ['{"version":"v1","tarball":"a","tarball_sha256":"abc"}', 'no SHA-256 of its tarball'],
  ])('%j is refused', (text, words) => expect(() => claimOf(text, 'x.lock.json')).toThrow(words))
})
