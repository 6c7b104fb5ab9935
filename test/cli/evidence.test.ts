import {
  cp,
  mkdir,
  mkdtempDisposable,
  readFile,
  readdir,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { jsonLines, Project } from '../fixtures/cli.ts'
import { endOf } from '../fixtures/commands.ts'

let project: Project
beforeEach(async () => {
  project = await Project.make()
})
afterEach(() => project[Symbol.asyncDispose]())

type Finished = { readonly run: string; readonly folder: string }
const ran = async (...flags: readonly string[]): Promise<Finished> =>
  jsonLines((await project.run(['run', 'three-files', ...flags, '--json'])).out).at(-1) as Finished

/** A run that waits at its gate, with the folder of its evidence. */
async function atGate(...flags: readonly string[]) {
  await mkdir(project.path('world'), { recursive: true })
  const running = project.start(['run', 'three-files', '--wait-for', 'gate', ...flags])
  await running.shows('waiting for gate')
  const artifacts = project.path('artifacts')
  const [story = ''] = await readdir(artifacts)
  const [name = ''] = await readdir(join(artifacts, story))
  return { running, folder: join(artifacts, story, name) }
}
const openGate = (): Promise<void> => writeFile(project.path('world/gate'), '')
/** What no seal accepts. */
const block = (folder: string): Promise<void> => symlink('/nowhere', join(folder, 'link'))
const unsealedWith = (name: string): string =>
  `not-a-file (${name}): it is a link or another file without a digest\n` +
  'not-sealed: the run has not sealed it, or went on after it was sealed\n'
const unblock = (folder: string): Promise<void> => rm(join(folder, 'link'))

describe('evidence', () => {
  test('of a run is shown, and holds until somebody changes it: exit 14', async () => {
    const { run, folder } = await ran('--story', 'e1')
    expect((await project.run(['evidence', 'show', run])).out).toContain('# Three files: succeeded')
    const holds = `run ${run}, three-files on here: succeeded\n${folder}\n`
    expect((await project.run(['evidence', 'verify', run])).out).toBe(
      `Verified by its signature and journal: ${holds}`,
    )
    expect((await project.run(['evidence', 'verify', folder])).out).toBe(
      `Verified by its signature: ${holds}`,
    )
    const index = await project.run(['evidence', 'story', 'e1'])
    expect(index.code).toBe(0)
    expect(await readFile(index.out.trim(), 'utf8')).toContain('1 run, 1 verified.')
    const incident = ['evidence', 'incident', '--story', 'e1', '--alarm', '2026-01-01T00:00:00Z']
    const page = await project.run(incident)
    expect(page.code).toBe(0)
    expect(page.out.trim()).toBe(join(dirname(folder), 'incident.md'))
    expect(await readFile(join(dirname(folder), 'incident.html'), 'utf8')).toContain('Run started')
    const since = await project.run(['evidence', 'incident', '--since', '1h', '--out', 'night'])
    expect(await readFile(since.out.trim(), 'utf8')).toContain(
      `(../artifacts/e1/${basename(folder)}/report.md)`,
    )
    expect((await project.run(['evidence', 'incident', run, '--since', '1h'])).code).toBe(2)
    const controls = await project.run(['evidence', 'controls', '--format', 'json'])
    expect(jsonLines(controls.out)).toMatchObject([
      { unverified: [], unlisted: [{ runbook: 'three-files', runs: 1 }] },
    ])
    await writeFile(`${folder}/report.md`, 'all is well')
    const { code, out: told, err } = await project.run(['evidence', 'verify', folder])
    expect(told).toContain('report.md')
    expect(err).toContain(`evidence in ${folder} failed verification: `)
    expect(code).toBe(14)
    const again = await project.run(['evidence', 'story', 'e1'])
    expect(again.out).toBe(index.out)
    expect(again.err).toContain('story e1: the evidence of 1 run failed verification')
    expect(again.code).toBe(14)
    expect((await project.run(incident)).code).toBe(14)
    const export14 = await project.run(['evidence', 'controls'])
    expect(export14.out).toContain('## Evidence that proves nothing')
    expect(export14.code).toBe(14)
  })

  test('of another run does not pass for that of this one', async () => {
    const [one, other] = [await ran(), await (await rm(project.path('world'), { recursive: true }), ran())]
    await rm(one.folder, { recursive: true })
    await cp(other.folder, one.folder, { recursive: true })
    const byRun = await project.run(['evidence', 'verify', one.run])
    expect(byRun.out).toContain(`wrong-run: it is the evidence of another run: ${other.run}, not ${one.run}`)
    expect(byRun.code).toBe(14)
    const byFolder = await project.run(['evidence', 'verify', one.folder])
    expect(byFolder.out).toContain(`folder-renamed: the folder does not have the name of its run`)
    expect(byFolder.code).toBe(14)
    const copy = join(dirname(one.folder), 'copies')
    await mkdir(copy)
    await rename(other.folder, join(copy, basename(other.folder)))
    const moved = await project.run(['evidence', 'verify', join(copy, basename(other.folder)), '--json'])
    expect(jsonLines(moved.out)).toMatchObject([
      { event: 'verified', run: other.run, target: 'here', outcome: 'succeeded', by: 'signature' },
    ])
  })

  test('without keys is checked as far as possible: exit 2, and 14 for a defect', async () => {
    const { run, folder } = await ran()
    const keyless = await project.run(['evidence', 'verify', run, '--keys', 'none'])
    expect(keyless.err).toContain(
      `cannot verify ${run}: its digests, journal and reports agree, but who signed them is not checked: no trusted keys: `,
    )
    expect(keyless.err).toContain('hint: give the public keys of the machine that signed it with --keys FILE')
    expect(keyless.code).toBe(2)
    await writeFile(`${folder}/report.md`, 'all is well')
    const altered = await project.run(['evidence', 'verify', folder, '--keys', 'none'])
    expect(altered.out).toContain('file-altered (report.md)')
    expect(altered.code).toBe(14)
  })

  test('needs no configuration: a reviewer has the folder and a list of keys', async () => {
    const { run, folder } = await ran()
    await using elsewhere = await mkdtempDisposable(join(tmpdir(), 'review-'))
    const there = join(elsewhere.path, basename(folder))
    await cp(folder, there, { recursive: true })
    await cp(project.path('state/allowed_signers'), join(elsewhere.path, 'keys'))
    const typed = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await endOf(['evidence', ...args], { cwd: elsewhere.path, env: {} })
      return { code, out: stdout, err: stderr }
    }
    expect(await typed('verify', basename(there), '--keys', 'keys')).toEqual({
      code: 0,
      out: `Verified by its signature: run ${run}, three-files on here: succeeded\n${there}\n`,
      err: '',
    })
    expect((await typed('show', './' + basename(there))).out).toContain('# Three files: succeeded')
    const keyless = await typed('verify', basename(there))
    expect(keyless.err).toContain(`cannot verify ${run}: its digests, journal and reports agree, but `)
    expect(keyless.err).toContain('--keys FILE')
    expect(keyless.code).toBe(2)
    const page = await typed('incident', basename(there), '--keys', 'keys', '--out', 'page')
    expect([page.code, page.out]).toEqual([0, `${join(elsewhere.path, 'page/incident.md')}\n`])
    expect(await readFile(join(elsewhere.path, 'page/incident.html'), 'utf8')).toContain(
      `href="../${basename(there)}/report.html"`,
    )
  })
})

describe('a run that is not sealed', () => {
  test('is open until it is: in status, history and story; resume takes it, whatever the runbook says today', async () => {
    const { running, folder } = await atGate()
    await block(folder)
    await openGate()
    expect((await running.ended).code).toBe(12)
    const status = await project.run(['status'])
    expect(status.out).toMatch(
      /three-files on here, started \S+: succeeded, not sealed\n {2}Seal its evidence:/,
    )
    expect((await project.run(['history'])).out).toContain('succeeded, not sealed')
    const verified = await project.run(['evidence', 'verify', folder])
    expect(verified.out).toBe(unsealedWith('link'))
    await unblock(folder)
    await rm(project.path('runbooks/three-files.ts'))
    const resumed = await project.run(['resume'])
    expect(resumed.err).toContain('using the only run whose evidence is not sealed: ')
    expect(resumed.code).toBe(0)
    expect((await project.run(['status'])).out).toBe('No open runs.\n')
    expect((await project.run(['evidence', 'verify', folder])).code).toBe(0)
  })

  test('is so from the moment that it goes on, and not taken for forged', async () => {
    await mkdir(project.path('world'))
    await writeFile(project.path('world/stubborn'), '')
    const failed = await ran('--must-exist', '/nowhere')
    expect((await project.run(['evidence', 'verify', failed.folder])).code).toBe(0)
    await block(failed.folder)
    await rm(project.path('world/stubborn'))
    const rolledBack = await project.run(['rollback'])
    expect([rolledBack.code, rolledBack.out]).toEqual([
      10,
      expect.stringContaining('its evidence could not be sealed'),
    ])
    const verified = await project.run(['evidence', 'verify', failed.folder])
    expect(verified.out).toBe(unsealedWith('link'))
    await unblock(failed.folder)
    expect((await project.run(['resume'])).code).toBe(10)
    expect((await project.run(['evidence', 'verify', failed.run])).code).toBe(0)
  })

  test('is in the index of its story and in an incident by what it is: open, or ended and not sealed', async () => {
    const { running, folder } = await atGate('--story', 'e2')
    running.child.kill('SIGKILL')
    await running.ended
    const rowsOf = async (...args: readonly string[]) => {
      const { code, out } = await project.run(['evidence', ...args])
      expect(code).toBe(14)
      return (await readFile(out.trim(), 'utf8')).split('\n').filter((line) => line.includes('three-files'))
    }
    for (const args of [
      ['story', 'e2'],
      ['incident', '--story', 'e2'],
    ])
      expect((await rowsOf(...args))[0]).toMatch(
        /^\| \S+ \S+ UTC \| `three-files` \| `here` \| open \|.*`not-sealed`/,
      )
    await block(folder)
    await openGate()
    expect((await project.run(['rollback'])).code).toBe(10)
    expect((await rowsOf('story', 'e2'))[0]).toMatch(/\| rolled back[^|]*\|.*not-sealed/)
  })

  test('leaves sealed evidence when it is unlocked', async () => {
    const { running, folder } = await atGate()
    running.child.kill('SIGKILL')
    await running.ended
    const [line] = jsonLines((await project.run(['status', '--json'])).out)
    const run = String(line?.['run'])
    expect((await project.run(['unlock', run, '--reason', ' \t '])).code).toBe(2)
    expect((await project.run(['unlock', run, '--reason', 'a test'])).code).toBe(0)
    const verified = (await project.run(['evidence', 'verify', run])).out
    expect(verified).toContain(folder)
    expect(verified).toContain('closed by a person with unlock, nothing was undone')
    const report = (await project.run(['evidence', 'show', run])).out
    expect(report).toMatch(/\| Closed \| by .*: `a test` \|/)
    expect(report).not.toMatch(/not settled|not finished|it is open/)
    expect((await project.run(['status'])).out).toBe('No open runs.\n')
  })
})

describe('a journal that was altered behind the back of the program', () => {
  test.each([
    [
      'an outcome',
      `DROP TRIGGER entries_never_change;
      UPDATE entries SET body = replace(body, 'rolled-back', 'succeeded') WHERE body LIKE '%"settled"%'`,
      /was altered/,
    ],
    ['a head file', null, /the file with its last entry is missing/],
  ])('is noticed by history and status: %s', async (_, sql, why) => {
    const { run } = await ran('--must-exist', '/nowhere')
    if (sql === null) await rm(project.path(`state/heads/${run}`))
    else {
      const database = new Database(project.path('state/journal.db'))
      database.exec(sql)
      database.close()
    }
    const history = await project.run(['history'])
    expect(history.out).toMatch(new RegExp(`${run} .*damaged journal`))
    expect(history.err).toMatch(why)
    expect(history.code).toBe(16)
    const status = await project.run(['status'])
    expect(status.err).toMatch(why)
    expect(status.code).toBe(16)
  })
})
