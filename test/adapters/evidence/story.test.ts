import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { array, assert, boolean, constantFrom, property } from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { diskFiles } from '../../../src/adapters/disk/files.ts'
import { withLine } from '../../../src/adapters/evidence/qa-results.ts'
import { addToStory, storyIndex } from '../../../src/adapters/evidence/story.ts'
import { verifyEvidence } from '../../../src/adapters/evidence/verify.ts'
import type { Files } from '../../../src/drivers/files.ts'
import { filesOf, storyFilesOf } from '../../../src/views/files.ts'
import { badRun, goodRun } from '../../fixtures/runs.ts'
import { Sealed } from '../../fixtures/sealed.ts'

const addition = { key: '- run 1: **ok**', line: '- run 1: **ok**, RTO 8m; [evidence](x)' }
const added = (body: string): string | null => withLine(Buffer.from(body), addition)?.toString() ?? null

describe('a line in the QA results of a story', () => {
  it.each([
    [
      'after the lines of earlier runs',
      '# Story\n\n## QA Results\n\n- run 0\n\n## Notes\nx\n',
      '# Story\n\n## QA Results\n\n- run 0\nLINE\n\n## Notes\nx\n',
    ],
    ['in an empty section', '## QA Results\n\n## Notes\n', '## QA Results\n\nLINE\n\n## Notes\n'],
    ['in an empty section at the end', 'x\n## QA Results\n', 'x\n## QA Results\n\nLINE\n'],
    ['in an empty section at the very end', 'x\n## QA Results', 'x\n## QA Results\n\nLINE\n'],
    ['below words', '## QA Results\nPassed.\n', '## QA Results\nPassed.\n\nLINE\n'],
    [
      'below a heading of lower rank',
      '## QA Results\n### Gate\nPASS\n## Change log\n',
      '## QA Results\n### Gate\nPASS\n\nLINE\n\n## Change log\n',
    ],
    [
      'at the end of a file without a last line end',
      '## QA Results\n- run 0',
      '## QA Results\n- run 0\nLINE\n',
    ],
    [
      'with the line ends of Windows',
      '## QA Results\r\n- run 0\r\n\r\n# End\r\n',
      '## QA Results\r\n- run 0\r\nLINE\r\n\r\n# End\r\n',
    ],
    [
      'with the line ends of Windows, at the very end',
      '## QA Results\r\n- run 0',
      '## QA Results\r\n- run 0\r\nLINE\r\n',
    ],
    [
      'in a section written otherwise',
      '### **qa results** ###\n\n- run 0\n',
      '### **qa results** ###\n\n- run 0\nLINE\n',
    ],
    [
      'not in one that stands in code or in a comment',
      '```\n## QA Results\n```\n<!--\n## QA Results\n-->\n',
      '```\n## QA Results\n```\n<!--\n## QA Results\n-->\n\n## QA Results\n\nLINE\n',
    ],
    [
      'below a comment that explains the section',
      '## QA Results\n<!-- results of\nQA -->\n',
      '## QA Results\n<!-- results of\nQA -->\n\nLINE\n',
    ],
    [
      'in the first of two sections',
      '## QA Results\n- a\n# B\n## QA Results\n- b\n',
      '## QA Results\n- a\nLINE\n\n# B\n## QA Results\n- b\n',
    ],
    ['in a section of its own where there is none', '# Story\nx\n', '# Story\nx\n\n## QA Results\n\nLINE\n'],
    [
      'in a section of its own where there is none, without a last line end',
      '# Story',
      '# Story\n\n## QA Results\n\nLINE\n',
    ],
    ['in an empty file', '', '## QA Results\n\nLINE\n'],
  ])('comes %s', (_, before, after) => {
    expect(added(before)).toBe(after.replace('LINE', addition.line))
  })

  it('is added once, even where somebody has added words to it', () => {
    const once = added('# Story\n') ?? ''
    expect(added(once)).toBeNull()
    expect(added(once.replace('RTO 8m', 'RTO 8m (seen by QA)'))).toBeNull()
    expect(added(once.replace('**ok**', '**failed**'))).not.toBeNull()
  })

  it('is one insertion that changes no other byte, whatever is there', () => {
    const parts = array(
      constantFrom('# A', '## QA Results', '- x', '', '```', '<!--', '-->', 'ü', '\xff', '\t', '~~~~'),
      { maxLength: 14 },
    )
    assert(
      property(parts, constantFrom('\n', '\r\n'), boolean(), (lines, newline, ends) => {
        const before = lines.join(newline) + (ends ? newline : '')
        const after = withLine(Buffer.from(before, 'latin1'), addition)?.toString('latin1') ?? ''
        let kept = 0
        while (kept < before.length && before[kept] === after[kept]) kept++
        const inserted = after.slice(kept, kept + after.length - before.length)
        expect(before.slice(0, kept) + inserted + before.slice(kept)).toBe(after)
        expect(inserted.replaceAll(/\r?\n|## QA Results/g, '')).toHaveLength(addition.line.length)
        expect(withLine(Buffer.from(after, 'latin1'), addition)).toBeNull()
      }),
      { numRuns: 500 },
    )
  })
})

describe('a story on a disk', () => {
  let place = ''
  beforeEach(() => {
    place = mkdtempSync(join(tmpdir(), 'runbook-story-'))
  })
  afterEach(() => rmSync(place, { recursive: true }))

  it('gets its line once, and keeps its mode', async () => {
    const story = join(place, '3.10.md')
    writeFileSync(story, '# Story 3.10\n')
    chmodSync(story, 0o664)
    expect(await addToStory(diskFiles, story, addition)).toBe(true)
    expect(await addToStory(diskFiles, story, addition)).toBe(false)
    expect(readFileSync(story, 'utf8')).toBe(`# Story 3.10\n\n## QA Results\n\n${addition.line}\n`)
    expect(statSync(story).mode & 0o777).toBe(0o664)
  })

  it('keeps what somebody else writes at the same moment', async () => {
    const story = join(place, '3.10.md')
    writeFileSync(story, '# Story\n')
    let looks = 0
    const busy: Files = {
      ...diskFiles,
      read: async (path, most) => {
        if (looks++ === 1) writeFileSync(story, '# Story\n\nQA was here.\n')
        return diskFiles.read(path, most)
      },
    }
    expect(await addToStory(busy, story, addition)).toBe(true)
    expect(readFileSync(story, 'utf8')).toBe(`# Story\n\nQA was here.\n\n## QA Results\n\n${addition.line}\n`)
  })

  it('is told to be missing, to be no text, to keep changing', async () => {
    await expect(addToStory(diskFiles, join(place, 'none.md'), addition)).rejects.toMatchObject({
      code: 'failed',
      hint: expect.any(String),
    })
    writeFileSync(join(place, 'utf16.md'), Buffer.from('# Story\n', 'utf16le'))
    await expect(addToStory(diskFiles, join(place, 'utf16.md'), addition)).rejects.toThrow('not a text file')
    let looks = 0
    const restless: Files = { ...diskFiles, read: async () => Buffer.from(`${looks++}`) }
    await expect(addToStory(restless, join(place, '3.10.md'), addition)).rejects.toMatchObject({
      hint: expect.stringContaining(addition.line),
    })
  })
})

describe('the index of a story on a disk', () => {
  it('verifies every run, and shows what does not belong there', async () => {
    const one = await Sealed.of(goodRun(), '2026-02-03-a')
    const artifacts = join(one.place, 'artifacts')
    const tampered = await Sealed.in(one.place, badRun(), '2026-02-04-b')
    tampered.edit('report.md', (body) => body.replace('needs a person', 'succeeded'))
    mkdirSync(join(artifacts, '3.10/2026-02-05-c'))
    mkdirSync(join(artifacts, '3.10/screenshots'))
    writeFileSync(join(artifacts, '3.10/restore-checklist.md'), '')
    symlinkSync(one.folder, join(artifacts, '3.10/2026-02-06-link'))
    const { index, bad } = await storyIndex(artifacts, '3.10', {
      files: diskFiles,
      verify: (folder) => verifyEvidence(folder, { trusted: one.trusted, filesOf }),
      render: storyFilesOf,
    })
    const [first = '', page = ''] = index
    expect(index).toEqual([join(artifacts, '3.10/index.md'), join(artifacts, '3.10/index.html')])
    expect(bad).toBe(2)
    const rows = readFileSync(first, 'utf8')
      .split('\n')
      .filter((line) => line.includes('](2026'))
    expect(rows.map((row) => [/\[(.*?)\]/.exec(row)?.[1], row.split(' | ').at(-1)])).toEqual([
      ['2026-02-03-a', 'verified |'],
      ['2026-02-04-b', '**not verified**: `file-altered (report.md); the same run occurs twice` |'],
      ['2026-02-05-c', '**not verified**: `not-sealed` |'],
    ])
    expect(rows.at(-1)).toContain('| not sealed |')
    expect(readFileSync(page, 'utf8')).toContain(
      '<strong>not verified</strong>: <code>file-altered (report.md); the same run occurs twice</code>',
    )
    mkdirSync(join(artifacts, '9.9'))
    renameSync(one.folder, join(artifacts, '9.9/2026-02-03-a'))
    const { index: other } = await storyIndex(artifacts, '9.9', {
      files: diskFiles,
      verify: (folder) => verifyEvidence(folder, { trusted: one.trusted, filesOf }),
      render: storyFilesOf,
    })
    expect(readFileSync(String(other[0]), 'utf8')).toContain('**not verified**: `belongs to another story`')
    one.close()
  })

  it('is refused for a story without evidence, and for one that is a path', async () => {
    const make = (story: string) =>
      storyIndex(tmpdir(), story, { files: diskFiles, verify: async () => [], render: () => [] })
    await expect(make('none-such-story')).rejects.toMatchObject({
      code: 'usage',
      hint: 'assign a run to it with --story none-such-story',
    })
    for (const story of ['..', '../x', 'a/b', '', '.x', 'a\0b', '-x'])
      await expect(make(story)).rejects.toMatchObject({ code: 'usage' })
  })
})
