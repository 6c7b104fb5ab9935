import { describe, expect, it } from 'vitest'
import { hasRecord, findBlock, withRecord } from '../../steps/records/lib/tested-restore.ts'

const list = ['Date: 2026-03-01', 'Dump: `new.dump`']
const block = '- Date: 2026-03-01\n- Dump: `new.dump`\n'

describe('the block "Latest tested restore"', () => {
  it.each([
    [
      'replaces the list',
      '# A\n### Latest tested restore\n- Date: old\n- Dump: old\n\n## B\n',
      `# A\n### Latest tested restore\n${block}\n## B\n`,
    ],
    [
      'keeps a gap below the heading',
      '### Latest tested restore\n\n- Date: old\n',
      `### Latest tested restore\n\n${block}`,
    ],
    [
      'keeps what a person wrote below the list',
      '### Latest tested restore\n- Date: old\n  more of it\n\nAnna looked at it.\n',
      `### Latest tested restore\n${block}\nAnna looked at it.\n`,
    ],
    [
      'keeps what a person wrote instead of a list',
      '### Latest tested restore\nNever.\n',
      `### Latest tested restore\n${block}\nNever.\n`,
    ],
    [
      'stops at a heading right below',
      '### Latest tested restore\n- Date: old\n## B\n- C\n',
      `### Latest tested restore\n${block}## B\n- C\n`,
    ],
    [
      'has no list yet, and nothing below',
      '### Latest tested restore',
      `### Latest tested restore\n${block}`,
    ],
    [
      'has no list yet, and a heading below',
      '### Latest tested restore\n\n## B\n',
      `### Latest tested restore\n${block}\n## B\n`,
    ],
    ['is made at the end', '# A\ntext', `# A\ntext\n\n### Latest tested restore\n${block}`],
    ['is made at the end, after one line end', '# A\n', `# A\n\n### Latest tested restore\n${block}`],
    ['is made in an empty file', '', `### Latest tested restore\n${block}`],
    [
      'is of any level, and in any letters',
      '## LATEST TESTED RESTORE ##\n* old\n',
      `## LATEST TESTED RESTORE ##\n${block}`,
    ],
    [
      'is not looked for in code',
      '```md\n### Latest tested restore\n- old\n```\n',
      `\`\`\`md\n### Latest tested restore\n- old\n\`\`\`\n\n### Latest tested restore\n${block}`,
    ],
    [
      'is found behind code that is closed by a longer fence',
      '````\n```\n### Latest tested restore\n`````\n### Latest tested restore\n- old\n',
      `\`\`\`\`\n\`\`\`\n### Latest tested restore\n\`\`\`\`\`\n### Latest tested restore\n${block}`,
    ],
    [
      'is not taken from a sentence',
      'Latest tested restore\nThe Latest tested restore\n',
      `Latest tested restore\nThe Latest tested restore\n\n### Latest tested restore\n${block}`,
    ],
  ])('%s', (_, before, after) => {
    const once = withRecord(before, list)
    expect(once).toBe(after)
    expect(hasRecord(once, list)).toBe(true)
    expect(hasRecord(before, list)).toBe(false)
    expect(withRecord(once, list)).toBe(once)
  })

  it('keeps line ends of Windows, a byte order mark and bytes that are no text', () => {
    const before = Buffer.from([
      0xef,
      0xbb,
      0xbf,
      ...Buffer.from('# A\r\n### Latest tested restore\r\n- old\r\n\r\n'),
      0xff,
      0xfe,
    ]).toString('latin1')
    expect(withRecord(before, list)).toBe(before.replace('- old\r\n', block.replaceAll('\n', '\r\n')))
  })

  it('has no place where it stands there twice', () => {
    const twice = '### Latest tested restore\n- a\n\n## Latest tested restore\n- b\n'
    expect(findBlock(twice)).toBeNull()
    expect(() => withRecord(twice, list)).toThrow('more than once')
    expect(hasRecord(twice, list)).toBe(false)
  })
})
