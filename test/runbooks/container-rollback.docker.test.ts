import { execa } from 'execa'
import { chmod, copyFile, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { crashesIn } from '../crash/boundaries.ts'
import type { Kill } from '../crash/kill.ts'
import { duties, openContextsafe, type ContextsafeStack } from '../fixtures/contextsafe-stack.ts'
import { eventually } from '../fixtures/eventually.ts'
import { docker } from '../fixtures/requirements.ts'
import type { Finished } from '../fixtures/typed.ts'

const whole = ({ code, signal, stdout, stderr }: Finished): string =>
  `exit ${code ?? signal}\n${stdout}\n${stderr}`

describe.skipIf(!docker())('container-rollback on Compose', () => {
  let stack: ContextsafeStack
  let composeFile: string
  let composeText: string
  let historyText: string
  const bad = '0.1.0-abc1234'
  const good = '0.0.9-def5678'

  const inspect = async (format: string): Promise<string> =>
    (await execa('docker', ['inspect', '--format', format, await stack.container()])).stdout
  const idOf = async (tag: string): Promise<string> =>
    (await execa('docker', ['image', 'inspect', '--format', '{{.Id}}', `${stack.repository}:${tag}`])).stdout
  const version = async (): Promise<string> =>
    ((await (await fetch(`${stack.url}/health`)).json()) as { readonly version: string }).version
  const runs = (tag: string) =>
    eventually(
      () =>
        version().then(
          (one) => one === tag,
          () => false,
        ),
      `${tag} answers`,
    )
  const history = async (): Promise<string> =>
    readFile(join(stack.folder, 'deployments', 'history.log'), 'utf8')
  const kept = async (): Promise<readonly string[]> =>
    (await readdir(join(stack.folder, 'backups', 'kept'))).sort()
  const roll = (
    more: readonly string[] = [],
    healthWord = 'ok',
    kill: Kill | null = null,
  ): Promise<Finished> => stack.type(['run', 'container-rollback', ...duties, ...more], healthWord, kill)

  /** What a rollback of the run must bring back. */
  const standing = async () => ({
    compose: await readFile(composeFile, 'utf8'),
    mode: (await stat(composeFile)).mode,
    image: await inspect('{{.State.Running}} {{.Config.Image}} {{.Image}}'),
    total: await stack.total(),
    kept: await kept(),
    beside: await readdir(join(stack.folder, 'docker')),
    images: (
      await execa('docker', ['images', '--no-trunc', '--format', '{{.Tag}} {{.ID}}', stack.repository])
    ).stdout
      .split('\n')
      .sort(),
  })

  beforeAll(async () => {
    stack = await openContextsafe()
    composeFile = join(stack.folder, 'docker', 'docker-compose.yml')
    composeText = await readFile(composeFile, 'utf8')
    historyText = await history()
    await chmod(composeFile, 0o640)
  }, 60_000)
  afterAll(() => stack?.[Symbol.asyncDispose]())

  beforeEach(async () => {
    await writeFile(composeFile, composeText)
    await writeFile(join(stack.folder, 'deployments', 'history.log'), historyText)
    await stack.compose('up', '--detach', '--timeout', '2')
    await runs(bad)
  }, 60_000)

  it('foretells in a dry run, and changes nothing', async () => {
    const before = [await standing(), await stack.container(), await history()]
    const finished = await roll(['--dry-run'])
    expect(finished.code, whole(finished)).toBe(0)
    expect([await standing(), await stack.container(), await history()]).toEqual(before)
  }, 60_000)

  it('T.7: the version before runs, by its image id; its line alone is changed; rows, settings and history are kept', async () => {
    const before = await standing()
    const finished = await roll()
    expect(finished.code, whole(finished)).toBe(0)
    expect(await version()).toBe(good)
    expect(await standing()).toMatchObject({
      compose: composeText.replace(`:${bad}`, `:${good}`),
      mode: before.mode,
      image: `true ${stack.repository}:${good} ${await idOf(good)}`,
      total: before.total,
      images: before.images,
    })
    expect(
      (await kept())
        .filter((name) => !before.kept.includes(name))
        .map((name) => name.replace(/-\d.*?(?=\.db|$)/, '')),
    ).toEqual(['.env.production', 'contextsafe-pre-rollback.db', 'contextsafe-pre-rollback.db-wal'])
    const added = (await history()).slice(historyText.length).split('\n')
    expect(added).toEqual([
      expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \| 0\.1\.0 \| abc1234 \| \S+ \| ROLLED_BACK$/),
      expect.stringMatching(/ \| 0\.0\.9 \| def5678 \| \S+ \| SUCCESS$/),
      '',
    ])
  }, 90_000)

  it('T.6: a version that never becomes healthy goes again, and the Compose file is as it was to the byte; the script leaves both', async () => {
    const before = await standing()
    // The script's own commands.
    await execa('sed', [
      '-i',
      `s|image: ${stack.repository}:.*|image: ${stack.repository}:${good}|`,
      composeFile,
    ])
    await stack.compose('up', '--detach', '--timeout', '2')
    await runs(good)
    expect(await readFile(composeFile, 'utf8')).not.toBe(composeText)
    await writeFile(composeFile, composeText)
    await stack.compose('up', '--detach', '--timeout', '2')
    await runs(bad)

    const finished = await roll([], 'never')
    expect(finished.code, whole(finished)).toBe(10)
    await runs(bad)
    expect(await standing()).toEqual(before)
    expect((await history()).slice(historyText.length)).toMatch(
      /^[^\n]+ \| 0\.0\.9 \| def5678 \| \S+ \| FAILED\n$/,
    )
    expect(whole(finished)).toMatch(/Next: Roll back by hand/)
  }, 120_000)

  it('T.5: a version that takes its time to start is waited for, where one look after a while would call it failed', async () => {
    const finished = roll(['--to', '0.0.8-ab99012'])
    let looked = 'never'
    await eventually(async () => {
      if (
        (await inspect('{{.Config.Image}} {{.State.Running}}').catch(() => '')) !==
        `${stack.repository}:0.0.8-ab99012 true`
      )
        return false
      looked = await version().catch(() => 'failed')
      return true
    }, 'it was started')
    expect(looked).toBe('failed')
    expect((await finished).code, whole(await finished)).toBe(0)
    expect(await version()).toBe('0.0.8-ab99012')
  }, 90_000)

  it('T.4: a Compose file that builds has no image line: sed does nothing and says nothing, and this is refused', async () => {
    const built = composeText.replace(/image: .*/, 'build: .')
    await writeFile(composeFile, built)
    const before = [await inspect('{{.Id}}'), await history()]
    await copyFile(composeFile, `${composeFile}.sed`)
    await execa('sed', [
      '-i',
      `s|image: ${stack.repository}:.*|image: ${stack.repository}:${good}|`,
      `${composeFile}.sed`,
    ])
    expect(await readFile(`${composeFile}.sed`, 'utf8')).toBe(built)
    await execa('rm', [`${composeFile}.sed`])
    const finished = await roll()
    expect(finished.code, whole(finished)).toBe(3)
    expect(whole(finished)).toMatch(/no line sets the image of api/)
    expect([await inspect('{{.Id}}'), await history()]).toEqual(before)
    expect(await readFile(composeFile, 'utf8')).toBe(built)
  }, 60_000)

  it('stops at a version that is nowhere, before anything is touched', async () => {
    const before = [await standing(), await stack.container(), await history()]
    const finished = await roll(['--to', '9.9.9'])
    expect(finished.code, whole(finished)).toBe(10)
    expect(whole(finished)).toMatch(/9\.9\.9 is not on this machine/)
    expect([await standing(), await stack.container(), await history()]).toEqual(before)
  }, 60_000)

  const step = 'start-with-the-previous-version'
  it.each(crashesIn(step, 700))(
    'killed %s of the start (%j), then %s',
    async (_, kill, way) => {
      const before = await standing()
      const killed = await roll([], 'ok', kill)
      expect(killed.signal, whole(killed)).toBe('SIGKILL')
      const finished = await stack.type([way, ...(way === 'resume' ? duties : [])])
      expect(finished.code, whole(finished)).toBe(0)
      await runs(way === 'resume' ? good : bad)
      if (way === 'rollback') expect(await standing()).toEqual(before)
      else
        expect(await standing()).toMatchObject({
          compose: composeText.replace(`:${bad}`, `:${good}`),
          image: `true ${stack.repository}:${good} ${await idOf(good)}`,
          total: before.total,
        })
    },
    120_000,
  )
})
