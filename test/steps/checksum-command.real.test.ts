import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { sha256 } from '../../src/kernel/json.ts'
import { checksumCommand, digestCommand } from '../../steps/files/lib/checksum-command.ts'

let folder: string
beforeEach(() => {
  folder = join(realpathSync(mkdtempSync(join(tmpdir(), 'checksums-'))), `it's a drive`)
  mkdirSync(folder)
  writeFileSync(join(folder, 'a.tar.gz'), 'a')
  writeFileSync(join(folder, 'a.tar.gz.sha256'), `${sha256('a')}  a.tar.gz\n`)
  writeFileSync(join(folder, 'SHA256SUMS'), `${sha256('a')}  a.tar.gz\n${sha256('b')}  pruned.tar.gz\n`)
})
afterEach(() => rmSync(join(folder, '..'), { recursive: true }))

/** From another folder, as an operator stands in the checkout. */
const typed = (command: string): string =>
  execFileSync('sh', ['-c', command], { cwd: '/', encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })

it('a checksum file is checked from any folder by the command that is printed', () => {
  expect(typed(checksumCommand(join(folder, 'a.tar.gz.sha256')))).toBe('a.tar.gz: OK\n')
  expect(typed(checksumCommand(join(folder, 'SHA256SUMS'), true))).toBe('a.tar.gz: OK\n')
  expect(typed(digestCommand(join(folder, 'a.tar.gz'), sha256('a')))).toBe(
    `${join(folder, 'a.tar.gz')}: OK\n`,
  )
})

it('and a changed file is not', () => {
  writeFileSync(join(folder, 'a.tar.gz'), 'changed')
  for (const command of [
    checksumCommand(join(folder, 'a.tar.gz.sha256')),
    checksumCommand(join(folder, 'SHA256SUMS'), true),
    digestCommand(join(folder, 'a.tar.gz'), sha256('a')),
  ])
    expect(() => typed(command)).toThrow()
})
