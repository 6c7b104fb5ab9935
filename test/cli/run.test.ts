import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { beforeEach, afterEach, describe, expect, test } from 'vitest'
import { jsonLines, Project } from '../fixtures/cli.ts'

let project: Project
beforeEach(async () => {
  project = await Project.make()
})
afterEach(() => project[Symbol.asyncDispose]())

describe('run', () => {
  test('succeeds: exit 0, its result on stdout, how it went on stderr', async () => {
    const { code, out, err } = await project.run(['run', 'three-files', '--text', 'hi'])
    expect(out).toMatch(
      /^Succeeded: Three files on here\.\nEvidence: artifacts\/_\/\d{4}-\d\d-\d\d-three-files-\S+\n$/,
    )
    expect(err).toContain('[COMPLETED] Write three')
    expect(code).toBe(0)
    expect(await project.effects()).toEqual(['+one', '+two', '+three'])
    expect(await readFile(project.path('world/two'), 'utf8')).toBe('hi')
  })

  test('begins with what is at stake, and says when its situation changes', async () => {
    const { err } = await project.run(['run', 'three-files'])
    expect(err).toMatch(
      /^Three files \(three-files\)\n {2}Target: +here \(A folder\)\n {2}Run: +\d{8}-\S+, begun .* UTC by .+\n {2}Objectives: +RTO 15m\n {2}Plan:\n {4}1\. Look at/,
    )
    expect(err).toContain('    Point of no return: Three is next.\n    6. Write three\n')
    expect(err).toMatch(
      /\nrunning for \ds; past the point of no return; no past run to estimate the rest from\n/,
    )
    // Now there is one, and what it said is in the record of the next.
    const next = await project.run(['run', 'three-files'])
    expect(next.err).toMatch(/; about \ds until the end \(90 %: \ds; 1 past run\)\n/)
    const folder = /Evidence: (.*)/.exec(next.out)?.[1] ?? ''
    const record = JSON.parse(await readFile(project.path(`${folder}/run.json`), 'utf8')) as {
      readonly estimate: unknown
    }
    expect(record.estimate).toEqual({
      medianSeconds: expect.any(Number),
      p90Seconds: expect.any(Number),
      runs: 1,
      takenSeconds: expect.any(Number),
    })
  })

  test('says nothing of it for a dry run, nor where a program reads', async () => {
    expect((await project.run(['run', 'three-files', '--dry-run'])).err).not.toContain('Plan:')
    expect((await project.run(['run', 'three-files', '--json'])).err).toBe('')
  })

  test('a command in a note has the npx that was used', async () => {
    const name = 'news: runbook status'
    await mkdir(project.path('world'))
    await writeFile(project.path(`world/${name}`), '')
    const npx = { npm_lifecycle_event: 'npx', npm_lifecycle_script: 'runbook run three-files' }
    const { code, err } = await project.run(['run', 'three-files', '--wait-for', name], npx)
    expect(err).toContain('waiting for news: npx runbook status')
    expect(code).toBe(0)
  })

  test('writes nothing that others may read', async () => {
    await project.run(['run', 'three-files'])
    const { mode } = await import('node:fs/promises').then(({ stat }) => stat(project.path('artifacts')))
    expect(mode & 0o077).toBe(0)
  })

  test('refuses a run whose --dry-run npm took for itself', async () => {
    const npm = { npm_config_dry_run: 'true' }
    const { code, err } = await project.run(['run', 'three-files'], npm)
    expect(code).toBe(2)
    expect(err).toContain('npm took --dry-run for itself, so this run would be a real one')
    expect(err).toContain('npm exec -- runbook run NAME --dry-run')
    expect(await project.effects()).toEqual([])
    expect((await project.run(['run', 'three-files', '--dry-run'], npm)).code).toBe(0)
  })

  test('a dry run changes nothing and foretells', async () => {
    const { code, out } = await project.run(['run', 'three-files', '--dry-run', '--must-exist', 'world/none'])
    expect(out).toContain('Dry run of Three files on here: nothing was changed.')
    expect(out).toContain('→ two appears')
    expect(out).toContain('Expected duration: at least 3s (predicted by 3 of 6 steps; no successful run yet)')
    expect(code).toBe(0)
    expect(existsSync(project.path('world'))).toBe(false)
    await project.run(['run', 'three-files'])
    expect((await project.run(['run', 'three-files', '--dry-run'])).out).toContain(
      '(median of 1 successful run)',
    )
  })

  test('refused by preflight: exit 3, nothing touched', async () => {
    const { code, out } = await project.run(['run', 'three-files', '--refuse', 'it rains'])
    expect(out).toContain(
      'Refused; nothing was touched: Three files on here.\n  refused (the weather): it rains\n    hint: wait\n',
    )
    expect(code).toBe(3)
    expect(existsSync(project.path('world'))).toBe(false)
    expect((await project.run(['status'])).out).toBe('No open runs.\n')
  })

  test('a failure goes back: exit 10, everything undone, newest first', async () => {
    const { code, out, err } = await project.run([
      'run',
      'three-files',
      '--must-exist',
      '/nowhere/to/be/found',
    ])
    expect(out).toContain(
      'Failed and fully rolled back: Three files on here.\n  /nowhere/to/be/found is not there\n',
    )
    expect(err).toContain('Check: /nowhere/to/be/found is not there')
    expect(err).toContain('Rolling back: undo Write two')
    expect(code).toBe(10)
    expect(await project.effects()).toEqual(['+one', '+two', '-two', '-one'])
  })

  test('an undo that fails: exit 11, what is and what is not undone, and how to go on', async () => {
    await mkdir(project.path('world'))
    await writeFile(project.path('world/stubborn'), '')
    const { code, out } = await project.run(['run', 'three-files', '--must-exist', '/nowhere'])
    expect(code).toBe(11)
    expect(out).toContain('Failed; the rollback is INCOMPLETE: Three files on here.')
    expect(out).toContain('cannot undo "Write two": two will not go')
    expect(out).toMatch(
      /Could not be undone: Write two\nNot undone yet: Write one\nFix the cause, then continue with:\n {2}runbook rollback \S+\n/,
    )
    await import('node:fs/promises').then(({ rm }) => rm(project.path('world/stubborn')))
    const again = await project.run(['rollback'])
    expect(again.err).toContain('using the only open run: ')
    expect(again.out).toContain(
      'Rollback completed: Three files on here. The run had failed:\n  /nowhere is not there\n',
    )
    expect(again.code).toBe(0)
    expect(await project.effects()).toEqual(['+one', '+two', '-two', '-one'])
  })

  test('another run is refused while one is open: exit 13', async () => {
    await mkdir(project.path('world'))
    await writeFile(project.path('world/stubborn'), '')
    await project.run(['run', 'three-files', '--must-exist', '/nowhere'])
    const { code, err } = await project.run(['run', 'three-files'])
    expect(code).toBe(13)
    expect(err).toMatch(
      /error: here has an open run: \S+ \(three-files, since .*\)\nhint: settle it first with/,
    )
  })

  test('gives a story its line, and says where it could not', async () => {
    await mkdir(project.path('stories'))
    await writeFile(project.path('stories/3.10.md'), '# A story\n')
    const { code } = await project.run(['run', 'three-files', '--story', '3.10', '--reason', 'a test'])
    expect(code).toBe(0)
    expect(await readFile(project.path('stories/3.10.md'), 'utf8')).toMatch(
      /## QA Results\n\n- .*`three-files` on `here`.*\*\*succeeded\*\*.*\]\(\.\.\/artifacts\/3\.10\/.*\/report\.md\)\n$/,
    )
    expect(await readdir(project.path('artifacts'))).toEqual(['3.10'])
    const other = await project.run(['run', 'three-files', '--story', '3.11'])
    expect(other.code).toBe(0)
    expect(other.err).toContain('warning: ')
  })

  test('an answer: --confirm where nobody is at a terminal, and refused at once without', async () => {
    const without = await project.run(['run', 'approved'])
    expect(without.code).toBe(3)
    expect(without.out).toContain("hint: add --confirm 'yes do it'")
    expect((await project.run(['run', 'approved', '--confirm', 'yes'])).code).toBe(3)
    expect((await project.run(['run', 'approved', '--yes'])).code).toBe(3)
    expect((await project.run(['run', 'approved', '--confirm', 'yes do it'])).code).toBe(0)
  })
})

describe('--json', () => {
  test('prints one object a line, events and then the result, and nothing else on stdout', async () => {
    const { code, out, err } = await project.run(['run', 'three-files', '--json'])
    const lines = jsonLines(out)
    expect(lines.at(-1)).toMatchObject({ event: 'result', exit: 0, code: 'succeeded', outcome: 'succeeded' })
    expect(lines[0]).toMatchObject({ event: 'entry', entry: { type: 'opened' } })
    expect(lines.filter(({ event }) => event === 'note')).not.toEqual([])
    expect(err).toBe('')
    expect(code).toBe(0)
  })

  test('an error is an object too', async () => {
    const { code, out } = await project.run(['run', 'three-flies', '--json'])
    expect(jsonLines(out)).toEqual([
      {
        event: 'error',
        exit: 2,
        code: 'usage',
        message: 'runbook "three-flies" not found; did you mean "three-files"?',
        hint: 'list them: runbook list',
      },
    ])
    expect(code).toBe(2)
  })

  test('a failure has its exit code in it', async () => {
    const { code, out } = await project.run(['run', 'three-files', '--json', '--must-exist', '/nowhere'])
    expect(jsonLines(out).at(-1)).toMatchObject({
      event: 'result',
      exit: 10,
      outcome: 'rolled-back',
      failure: { message: '/nowhere is not there' },
    })
    expect(code).toBe(10)
  })

  test.each(['list', 'history', 'status'])('%s', async (command) => {
    await project.run(['run', 'three-files'])
    const { code, out } = await project.run([command, '--json'])
    expect(code).toBe(0)
    if (command !== 'status') expect(jsonLines(out).length).toBeGreaterThan(0)
    else expect(out).toBe('')
  })
})

describe('secrets', () => {
  test('are on no stream and in no file', async () => {
    const password = 'Pa55-word-of-a-test'
    for (const more of [[], ['--json'], ['--loud']]) {
      const { code, out, err } = await project.run(
        ['run', 'all-kinds', '--what', 'x', '--how-many', '3', ...more],
        { TEST_PASSWORD: password },
      )
      expect(code).toBe(more[0] === '--loud' ? 10 : 0)
      expect(out + err).not.toContain(password)
      if (more[0] === '--loud') expect(out).toContain('[redacted:password] was said')
    }
    for (const entry of await readdir(project.folder, { recursive: true, withFileTypes: true })) {
      if (entry.isFile())
        expect((await readFile(`${entry.parentPath}/${entry.name}`)).includes(password), entry.name).toBe(
          false,
        )
    }
  })

  test('in the address of a proxy are on no stream and in no file either', async () => {
    const password = 'Pa55-word-of-a-proxy'
    const proxies = {
      https_proxy: `http://somebody:${password}@proxy.example:3128`,
      HTTP_PROXY: `somebody:${password}-2@proxy.example`,
    }
    const reason = `${proxies.https_proxy} refused ${proxies.HTTP_PROXY}, and ${password}-2`
    const { code, out, err } = await project.run(
      ['run', 'three-files', '--reason', reason, '--json'],
      proxies,
    )
    expect(code, err).toBe(0)
    expect(out + err).not.toContain(password)
    expect(out).toContain('[redacted:https_proxy] refused [redacted:HTTP_PROXY]')
    for (const entry of await readdir(project.folder, { recursive: true, withFileTypes: true })) {
      if (entry.isFile())
        expect((await readFile(`${entry.parentPath}/${entry.name}`)).includes(password), entry.name).toBe(
          false,
        )
    }
  })

  test('one that is missing is found before anything is touched', async () => {
    const { code, out } = await project.run(['run', 'all-kinds', '--what', 'x', '--how-many', '3'])
    expect(code).toBe(3)
    expect(out).toContain(
      'secret password is not available: variable TEST_PASSWORD is missing or shorter than 8 bytes',
    )
  })
})

describe('a run that was asked a question', () => {
  test('ends with the answer on stdout, the worst first, and not with "Succeeded"', async () => {
    const sound = await project.run(['run', 'diagnose', '--target', 'bare'])
    expect(sound.code).toBe(0)
    expect(sound.out).toMatch(/^No problem found: Diagnose \(read-only\) on bare\.\nEvidence: /)

    const file = project.path('runbook.config.ts')
    const database = "database: { engine: 'sqlite', file: './none.db' }"
    await writeFile(
      file,
      (await readFile(file, 'utf8')).replace('bare: { settings: {} }', `bare: { ${database} }`),
    )
    const missing = await project.run(['run', 'diagnose', '--target', 'bare'])
    expect(missing.code).toBe(0)
    expect(missing.out).toMatch(
      /^volume-missing: .*none\.db.*\n {2}likely cause: .*\n {2}next: .*\n1 problem found: Diagnose \(read-only\) on bare\.\nEvidence: /,
    )
    const [result] = jsonLines(
      (await project.run(['run', 'diagnose', '--target', 'bare', '--json'])).out,
    ).slice(-1)
    expect(result).toMatchObject({ event: 'result', conclusion: { summary: '1 problem found' } })
  })
})
