import { describe, expect, it } from 'vitest'
import drill from '../../runbooks/quarterly-full-drill.ts'
import spotRestore from '../../runbooks/monthly-spot-restore.ts'
import { archiveOf, encrypted, fakeMachine, Killed, lay, type FakeWorld } from '../../src/testing/index.ts'
import { codexDrill, drilled, live, releases, root, serves } from './fake-drill.ts'
import { kept, passphrase } from './fake-drive.ts'

const forged = archiveOf([
  { name: '.codex-api/', kind: 'folder' },
  {
    name: '.codex-api/codex/config.toml',
    kind: 'file',
    body: 'model = "gpt"\n# of the archive\nforged = 1\n',
  },
  { name: '.codex-api/codex/auth.json', kind: 'file', body: '{"of":"the archive"}' },
])
const forgedCode = archiveOf([
  { name: 'codex-completions-api-v1.0.1/', kind: 'folder' },
  { name: 'codex-completions-api-v1.0.1/server.js', kind: 'file', body: 'version 1.0.1' },
  { name: 'codex-completions-api-v1.0.1/backdoor.js', kind: 'file', body: 'forged' },
])

/** Its checksum stays that of the file which was verified. */
function replace({ disk }: FakeWorld, folder: string, body: Uint8Array): void {
  const [file] = [...disk.files.keys()].filter(
    (path) => path.startsWith(folder) && /tar\.gz(\.\w+)?$/.test(path),
  )
  if (file === undefined) throw new Error(`no archive in ${folder}`)
  disk.files.set(file, body)
}

function stagedIn(disk: FakeWorld['disk'], name: string): string {
  const path = [...disk.files.keys()].find((one) => one.startsWith(`${root}/.staging/`) && one.endsWith(name))
  if (path === undefined) throw new Error(`${name} is not in staging`)
  return path
}

function writeInStaging(name: string) {
  return ({ disk }: FakeWorld): void => {
    const path = stagedIn(disk, name)
    lay(disk, path, `${Buffer.from(disk.files.get(path) ?? []).toString()}forged = 1\n`)
  }
}

/** As many bytes as before, and the same time of modification: a program can set that back. */
function rewriteInStaging(name: string) {
  return ({ disk }: FakeWorld): void => {
    const path = stagedIn(disk, name)
    const was = disk.files.get(path) ?? new Uint8Array(0)
    lay(disk, path, Buffer.from(was).fill('x', was.length - 2))
  }
}

type Alteration = (world: FakeWorld) => void
type Given = { readonly cipher?: 'gpg'; readonly time?: number }

async function resumedAfter(
  book: typeof drill,
  moment: string,
  alter: Alteration,
  { cipher, time = 1 }: Given,
) {
  const world = drilled(cipher === undefined ? {} : { cipher })
  const machine = fakeMachine(world, { book, target: codexDrill })
  world.faults.order(moment, 'kill', time)
  const params = book === drill ? { afterwards: 'keep-restored' } : {}
  await expect(machine.run(params)).rejects.toBeInstanceOf(Killed)
  alter(world)
  const result = await machine.resume()
  return { world, result, told: JSON.stringify([result, machine.entries]) }
}

describe('what is altered after it was verified does not go live', () => {
  it.each<[string, string, Alteration, Given]>([
    ['the data archive', 'archives.extract', (world) => replace(world, kept, forged), {}],
    [
      'the encrypted data archive',
      'archives.decrypt',
      (world) => replace(world, kept, encrypted(forged, passphrase)),
      { cipher: 'gpg' },
    ],
    ['the bundle', 'archives.extract', (world) => replace(world, releases, forgedCode), { time: 2 }],
    [
      'the unpacked data, before it is checked',
      'archives.extract',
      writeInStaging('config.toml'),
      { time: 2 },
    ],
    ['the unpacked data, once it was checked', 'services.stop', writeInStaging('config.toml'), {}],
    ['the unpacked data, while nothing is live', 'files.move done', writeInStaging('config.toml'), {}],
    ['the unpacked bundle, once it was checked', 'services.stop', writeInStaging('guide.md'), {}],
    ['the unpacked data, with its size and time kept', 'services.stop', rewriteInStaging('config.toml'), {}],
    [
      'the unpacked data, with its size and time kept, while nothing is live',
      'files.move done',
      rewriteInStaging('config.toml'),
      {},
    ],
    [
      'the unpacked bundle, with its size and time kept, while the data is put in place',
      'files.move done',
      rewriteInStaging('guide.md'),
      { time: 2 },
    ],
    [
      'the unpacked bundle, while what it replaces is aside',
      'files.move done',
      writeInStaging('server.js'),
      { time: 4 },
    ],
    [
      'the unpacked bundle, while the data is put in place',
      'files.move done',
      writeInStaging('guide.md'),
      { time: 2 },
    ],
  ])('%s', async (_, moment, alter, given) => {
    const { world, result, told } = await resumedAfter(drill, moment, alter, given)
    expect(result.outcome, told).toBe('rolled-back')
    expect(result.code).toBe('verification')
    expect(told).toMatch(
      /is not the file that this run verified|was changed after it was (?:unpacked|checked)/,
    )
    expect(serves(world)).toBe('version 1.0.2, live data')
    expect([...world.disk.files.keys()].filter((path) => path.endsWith('backdoor.js'))).toEqual([])
    expect(Buffer.from(world.disk.files.get(`${live}/codex/config.toml`) ?? []).toString()).toBe(
      'model = "gpt"\n',
    )
  })
})

it.each<[string, Alteration, Given]>([
  ['bundle', (world) => replace(world, releases, forgedCode), {}],
  ['data archive', (world) => replace(world, kept, forged), { time: 2 }],
])('a spot restore proves no %s that was replaced after it was verified', async (_, alter, given) => {
  const { result, told } = await resumedAfter(spotRestore, 'archives.extract', alter, given)
  expect(result.outcome, told).not.toBe('succeeded')
  expect(result.code).toBe('verification')
  expect(told).toContain('is not the file that this run verified')
})

/** Installing and starting leave a file in the folder, as they do. */
function writing(world: FakeWorld): readonly string[] {
  const seen: string[] = []
  world.programs.installed.set('npm', {
    version: '11.0.0',
    run: ({ argv, directory }) => {
      const path = `${directory}/server.js`
      seen.push(`${argv[1]} ${Buffer.from(world.disk.files.get(path) ?? []).toString()}`)
      lay(world.disk, `${directory}/node_modules/${argv[1]}`, 'installed')
      return { exitCode: 0 }
    },
  })
  return seen
}

/** What somebody does right after a step has ended. */
async function alteredAfter(book: typeof drill, step: string, alter: Alteration) {
  const world = drilled()
  if (book === spotRestore) writing(world)
  const machine = fakeMachine(world, { book, target: codexDrill })
  const append = machine.journal.afterAppend
  machine.journal.afterAppend = (stored) => {
    append(stored)
    const { entry } = stored
    if (entry.type === 'ended' && entry.step === step) alter(world)
  }
  const result = await machine.run(book === drill ? { afterwards: 'keep-restored' } : {})
  return { world, result, told: JSON.stringify([result, machine.entries]) }
}

const commandsIn = ({ programs }: FakeWorld) => programs.calls.map(({ argv }) => argv.slice(1).join(' '))
const install = 'install --omit=dev'

describe('code that was altered in staging does not run', () => {
  it.each<[string, typeof drill, string, readonly string[]]>([
    ['a drill, before its dependencies are installed', drill, 'extract-the-release-bundle', []],
    ['a spot restore, before its dependencies are installed', spotRestore, 'extract-the-release-bundle', []],
    ['a spot restore, once they are installed', spotRestore, 'install-production-dependencies', [install]],
    ['a drill, once they are installed', drill, 'install-production-dependencies', [install]],
  ])('%s', async (_, book, step, ran) => {
    const { world, result, told } = await alteredAfter(book, step, rewriteInStaging('server.js'))
    expect(result.outcome, told).toBe('rolled-back')
    expect(result.code).toBe('verification')
    expect(told).toMatch(
      /was changed after (it was unpacked|a command ran in it|its dependencies were installed)/,
    )
    expect(commandsIn(world)).toEqual(ran)
    expect(serves(world)).toBe('version 1.0.2, live data')
  })

  it('nor proves a spot restore anything by data that was altered there', async () => {
    const { result, told } = await alteredAfter(
      spotRestore,
      'extract-the-data-archive',
      rewriteInStaging('auth.json'),
    )
    expect(result.outcome, told).toBe('rolled-back')
    expect(told).toMatch(/was changed after it was unpacked/)
  })

  it('an installation that was interrupted begins again with what the archive has', async () => {
    const world = drilled()
    const seen = writing(world)
    const machine = fakeMachine(world, { book: spotRestore, target: codexDrill })
    world.faults.order('commands.run done', 'kill')
    await expect(machine.run({})).rejects.toBeInstanceOf(Killed)
    rewriteInStaging('server.js')(world)
    expect(await machine.resume()).toMatchObject({ outcome: 'succeeded' })
    expect(seen).toEqual(['install version 1.0.1', 'install version 1.0.1', 'run version 1.0.1'])
  })

  it('a start that was interrupted and wrote to its folder needs a new run', async () => {
    const world = drilled()
    writing(world)
    const machine = fakeMachine(world, { book: spotRestore, target: codexDrill })
    world.faults.order('commands.run done', 'kill', 2)
    await expect(machine.run({})).rejects.toBeInstanceOf(Killed)
    expect(await machine.resume()).toMatchObject({
      outcome: 'rolled-back',
      failure: {
        message: expect.stringContaining('was changed while the command ran that was interrupted') as string,
        hint: expect.stringContaining('start a new run') as string,
      },
    })
  })
})
