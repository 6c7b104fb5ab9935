import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { diskFiles } from '../../src/adapters/disk/files.ts'
import { partialBeside } from '../../src/adapters/disk/partial-name.ts'
import { DiskEvidence } from '../../src/adapters/evidence/folder.ts'
import type { LogLimits } from '../../src/adapters/evidence/step-log.ts'
import { sha256 } from '../../src/kernel/json.ts'
import { Redactor } from '../../src/kernel/redact.ts'
import { Secret } from '../../src/kernel/secret.ts'
import { filesOf } from '../../src/views/files.ts'
import { badRun, goodRun } from '../fixtures/runs.ts'
import { evidenceContract } from './evidence.contract.ts'

const top = mkdtempSync(join(tmpdir(), 'runbook-evidence-'))
afterAll(() => rmSync(top, { recursive: true }))

const small: LogLimits = { head: 100, piece: 50 }

const evidenceIn = (place: string, more: { mask?: Redactor; limits?: LogLimits } = {}) =>
  new DiskEvidence({ state: join(place, 'state'), files: diskFiles, mask: new Redactor(), ...more })

evidenceContract('on a disk', async () => {
  const place = mkdtempSync(join(top, 'e-'))
  return {
    evidence: evidenceIn(place),
    place: join(place, 'artifacts'),
    content: async (folder, name) =>
      existsSync(join(folder, name)) ? readFileSync(join(folder, name)) : null,
  }
})

describe('an evidence folder', () => {
  let place = ''
  let folder = ''
  beforeEach(() => {
    place = mkdtempSync(join(top, 'e-'))
    folder = join(place, 'artifacts/3.10/2026-02-03-x')
  })

  const write = async (evidence: DiskEvidence, ...chunks: readonly (string | Uint8Array)[]) => {
    const log = await (await evidence.open(folder)).log('01-stop')
    for (const chunk of chunks) log.write(Buffer.from(chunk))
    return log.finish()
  }
  const logText = () => readFileSync(join(folder, 'logs/01-stop.log'), 'latin1')

  it('is ours alone, and so is everything in it and in the state folder', async () => {
    const umask = process.umask(0)
    try {
      await write(evidenceIn(place), 'x')
      await (await evidenceIn(place).open(folder)).seal(filesOf(goodRun()))
    } finally {
      process.umask(umask)
    }
    const paths = [folder, join(place, 'state')].flatMap((path) => [
      path,
      ...readdirSync(path, { recursive: true }).map((name) => join(path, String(name))),
    ])
    expect(paths.length).toBeGreaterThan(12)
    for (const path of paths)
      expect([path, statSync(path).mode & 0o777]).toEqual([
        path,
        statSync(path).isDirectory() ? 0o700 : 0o600,
      ])
  })

  it('masks secrets that arrive in two chunks, and gives the digest of what is kept', async () => {
    const mask = new Redactor()
    mask.add(new Secret('PGPASSWORD', 'correct horse battery'))
    const log = await write(evidenceIn(place, { mask }), 'password: corre', 'ct horse bat', 'tery\n')
    expect(logText()).toBe('password: [redacted:PGPASSWORD]\n')
    expect(log?.sha256).toBe(sha256(logText()))
  })

  it('keeps head and tail of long output, counts the middle, and digests the whole', async () => {
    const body = Array.from({ length: 100 }, (_, index) => `line ${String(index).padStart(4)}\n`).join('')
    const log = await write(evidenceIn(place, { limits: small }), ...(body.match(/.{1,7}/gs) ?? []))
    const [head, tail] = logText().split(/\n\[runbook: \d+ bytes are left out here\]\n/)
    const dropped = Number(/(\d+) bytes are left out/.exec(logText())?.[1])
    expect(head).toBe(body.slice(0, 100))
    expect(body.endsWith(tail ?? 'none')).toBe(true)
    expect((head?.length ?? 0) + dropped + (tail?.length ?? 0)).toBe(body.length)
    expect(tail?.length).toBeGreaterThanOrEqual(50)
    expect(log).toEqual({
      file: 'logs/01-stop.log',
      bytes: logText().length,
      sha256: sha256(logText()),
      whole: { bytes: body.length, sha256: sha256(body) },
    })
    expect(readdirSync(join(folder, 'logs'))).toEqual(['01-stop.log'])
  })

  it.each([99, 100, 101, 149, 150, 151, 199, 200, 201, 249, 250, 251, 260])(
    'accounts for every byte of %i',
    async (length) => {
      const body = Buffer.from(Array.from({ length }, (_, index) => index % 251))
      const log = await write(evidenceIn(place, { limits: small }), body)
      const kept = readFileSync(join(folder, 'logs/01-stop.log'))
      const dropped = length - 100 > 100 ? (Math.ceil((length - 100) / 50) - 2) * 50 : 0
      const mark = dropped === 0 ? '' : `\n[runbook: ${dropped} bytes are left out here]\n`
      expect(
        kept.equals(Buffer.concat([body.subarray(0, 100), Buffer.from(mark), body.subarray(100 + dropped)])),
      ).toBe(true)
      expect(log?.whole?.bytes ?? log?.bytes).toBe(length)
    },
  )

  it('finishes the pieces of a log that a killed process left', async () => {
    const opened = await evidenceIn(place, { limits: small }).open(folder)
    const log = await opened.log('01-stop')
    log.write(Buffer.alloc(330, 'a'))
    // Killed here: nothing was finished.
    expect(readdirSync(join(folder, 'logs')).sort()).toEqual([
      '01-stop.log',
      '01-stop.log.part-4',
      '01-stop.log.part-5',
    ])
    const kept = await write(evidenceIn(place, { limits: small }), 'and on')
    expect(logText()).toBe(
      `${'a'.repeat(100)}\n[runbook: 150 bytes are left out here]\n${'a'.repeat(80)}and on`,
    )
    expect(kept?.sha256).toBe(sha256(logText()))
    expect(readdirSync(join(folder, 'logs'))).toEqual(['01-stop.log'])
  })

  it('holds no output in memory', async () => {
    const log = await (
      await evidenceIn(place, { limits: { head: 4 << 20, piece: 2 << 20 } }).open(folder)
    ).log('01-stop')
    const chunk = Buffer.alloc(1 << 20, 'output ')
    global.gc?.()
    const before = process.memoryUsage().rss
    let most = 0
    for (let count = 0; count < 300; count++) {
      log.write(chunk)
      most = Math.max(most, process.memoryUsage().rss)
    }
    const kept = await log.finish()
    most = Math.max(most, process.memoryUsage().rss)
    expect(most - before).toBeLessThan(64 << 20)
    expect(kept?.whole?.bytes).toBe(300 << 20)
    expect(statSync(join(folder, 'logs/01-stop.log')).size).toBeLessThanOrEqual((8 << 20) + 100)
  })

  it('refuses to be a link, to lie in one, to be open to others', async () => {
    mkdirSync(join(place, 'elsewhere'), { mode: 0o700 })
    mkdirSync(join(place, 'artifacts/3.10'), { recursive: true })
    symlinkSync(join(place, 'elsewhere'), folder)
    await expect(evidenceIn(place).open(folder)).rejects.toMatchObject({
      code: 'preflight',
      hint: expect.any(String),
    })
    rmSync(folder)
    symlinkSync(join(place, 'elsewhere'), join(place, 'artifacts/link'))
    await expect(evidenceIn(place).open(join(place, 'artifacts/link/run'))).rejects.toMatchObject({
      code: 'preflight',
    })
    const opened = await evidenceIn(place).open(folder)
    chmodSync(folder, 0o777)
    await expect(evidenceIn(place).open(folder)).rejects.toThrow('cannot keep evidence')
    await expect(opened.seal(filesOf(goodRun()))).rejects.toMatchObject({ code: 'failed' })
    chmodSync(folder, 0o700)
    writeFileSync(join(place, 'file'), '')
    await expect(evidenceIn(place).open(join(place, 'file'))).rejects.toMatchObject({ code: 'preflight' })
  })

  it('follows no link and no second name that was laid for a log or a file', async () => {
    writeFileSync(join(place, 'precious'), 'untouched', { mode: 0o600 })
    await evidenceIn(place).open(folder)
    mkdirSync(join(folder, 'logs'))
    for (const lay of [symlinkSync, linkSync]) {
      lay(join(place, 'precious'), join(folder, 'logs/01-stop.log'))
      expect((await write(evidenceIn(place), 'evil'))?.problem).toMatch(/the log is incomplete: /)
      rmSync(join(folder, 'logs/01-stop.log'))
    }
    for (const name of ['run.json', 'SHA256SUMS', 'statement.json', 'statement.json.sig']) {
      symlinkSync(join(place, 'precious'), join(folder, name))
      await expect((await evidenceIn(place).open(folder)).seal(filesOf(goodRun()))).rejects.toMatchObject({
        code: 'failed',
      })
      rmSync(join(folder, name))
    }
    expect(readFileSync(join(place, 'precious'), 'utf8')).toBe('untouched')
  })

  it('does not seal what nobody can vouch for', async () => {
    const opened = await evidenceIn(place).open(folder)
    for (const [make, name] of [
      [() => symlinkSync('/etc/hostname', join(folder, 'link')), 'link'],
      [() => execFileSync('mkfifo', [join(folder, 'pipe')]), 'pipe'],
      [() => writeFileSync(join(folder, 'two\nlines'), ''), 'two\nlines'],
      [() => writeFileSync(join(folder, 'back\\slash'), ''), 'back\\slash'],
    ] as const) {
      make()
      await expect(opened.seal(filesOf(goodRun()))).rejects.toThrow('cannot seal the evidence in ')
      rmSync(join(folder, name))
    }
    await expect(opened.seal(filesOf(goodRun()))).resolves.toMatch(/^[0-9a-f]{64}$/)
  })

  it('clears away what a killed process left of a durable write, and seals again over a half-sealed folder', async () => {
    const opened = await evidenceIn(place).open(folder)
    const digest = await opened.seal(filesOf(goodRun()))
    const left = ['.0123456789ab.partial', basename(await partialBeside(join(folder, 'report.md')))]
    for (const name of left) writeFileSync(join(folder, name), 'half')
    rmSync(join(folder, 'statement.json.sig'))
    writeFileSync(join(folder, 'SHA256SUMS'), 'half')
    expect(await (await evidenceIn(place).open(folder)).seal(filesOf(goodRun()))).toBe(digest)
    expect(readdirSync(folder).filter((name) => name.endsWith('.partial'))).toEqual([])
  })

  it('has names for logs that stay in the folder', async () => {
    const opened = await evidenceIn(place).open(folder)
    for (const name of ['../x', 'a/b', '', '.hidden', 'A', 'a\n'])
      await expect(opened.log(name)).rejects.toMatchObject({ code: 'bug' })
  })

  it('passes with stock sha256sum', async () => {
    await write(evidenceIn(place), 'x')
    writeFileSync(join(folder, 'ünï çode – notes.txt'), 'kept by a step')
    await (await evidenceIn(place).open(folder)).seal(filesOf(badRun()))
    const check = execFileSync('sha256sum', ['--check', '--strict', 'SHA256SUMS'], {
      cwd: folder,
      encoding: 'utf8',
    })
    expect(check.trim().split('\n')).toHaveLength(7)
    expect(lstatSync(join(folder, 'SHA256SUMS')).isFile()).toBe(true)
  })
})
