import { mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { verdictOn, type Expected } from '../../../src/adapters/evidence/verify.ts'
import { sha256 } from '../../../src/kernel/json.ts'
import { filesOf } from '../../../src/views/files.ts'
import { goodRun } from '../../fixtures/runs.ts'
import { Sealed } from '../../fixtures/sealed.ts'

describe('the verdict on evidence', () => {
  let one: Sealed
  let expected: Expected
  beforeEach(async () => {
    one = await Sealed.of(goodRun(), 'run')
    const { record } = await verdictOn(one.folder, { trusted: one.trusted, filesOf, named: true })
    if (record === null) throw new Error('it has no record')
    const digest = sha256(readFileSync(join(one.folder, 'statement.json')))
    expected = { run: record.run, target: record.target, digest }
  })
  afterEach(() => one.close())

  const found = async (
    more: Partial<Expected> | null = {},
    trusted: Sealed['trusted'] | null = one.trusted,
  ) =>
    (
      await verdictOn(
        one.folder,
        { trusted, filesOf, named: true },
        more === null ? null : { ...expected, ...more },
      )
    ).defects.map(({ reason, file }) => (file === '' ? reason : `${reason} ${file}`))

  it('is without defects for what the journal knows, and for the folder alone', async () => {
    expect(await found()).toEqual([])
    expect(await found(null)).toEqual([])
  })

  it.each<[string, Partial<Expected>, string]>([
    ['another run', { run: 'another' }, 'wrong-run'],
    ['another target', { target: 'another' }, 'wrong-target'],
    ['another seal', { digest: '0'.repeat(64) }, 'wrong-seal'],
    ['a run that is not sealed', { digest: null }, 'not-sealed'],
  ])('names %s', async (_, more, reason) => {
    expect(await found(more)).toEqual([reason])
  })

  it('names a folder that was renamed', async () => {
    renameSync(one.folder, `${one.folder}-other`)
    const { defects } = await verdictOn(`${one.folder}-other`, {
      trusted: one.trusted,
      filesOf,
      named: true,
    })
    expect(defects).toEqual([
      { reason: 'folder-renamed', file: '', says: expect.stringContaining('run-other, not run') },
    ])
  })

  it('names an empty folder that is not covered, and the one in it', async () => {
    mkdirSync(join(one.folder, 'extra/inner'), { recursive: true })
    expect(await found()).toEqual(['folder-extra extra/inner', 'folder-extra extra'])
  })

  it('names what was never sealed, or lost its seal, once', async () => {
    for (const name of ['statement.json', 'statement.json.sig', 'statement.dsse.json'])
      rmSync(join(one.folder, name))
    expect(await found(null)).toEqual(['not-sealed'])
  })

  it('checks all but the signer without keys', async () => {
    expect(await found({}, null)).toEqual([])
    one.edit('report.md', (body) => `${body}x`)
    expect(await found({}, null)).toContain('file-altered report.md')
    one.edit('statement.json', (body) => body.replace('"succeeded"', '"rolled-back"'))
    expect(await found({}, null)).toContain('signature-wrong statement.json.sig')
  })
})
