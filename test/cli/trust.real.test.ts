import { chmod, chown, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { jsonLines, Project, type Ended } from '../fixtures/cli.ts'
import { root } from '../fixtures/requirements.ts'

const nobody = 65_534

describe.skipIf(!root())('code of another user', () => {
  let project: Project
  let place = ''
  beforeEach(async () => {
    project = await Project.make()
    place = await mkdtemp(join(tmpdir(), 'trust-'))
    await chmod(place, 0o1777)
    await mkdir(join(place, 'work'))
  })
  afterEach(async () => {
    await project[Symbol.asyncDispose]()
    await rm(place, { recursive: true, force: true })
  })

  const ran = (): boolean => existsSync(join(place, 'ran'))
  const effect = (): string =>
    `import { writeFileSync } from 'node:fs'\nwriteFileSync(${JSON.stringify(join(place, 'ran'))}, String(process.getuid?.()))\n`
  const foreign = async (path: string, text: string, mode = 0o644): Promise<void> => {
    await writeFile(path, text)
    await chmod(path, mode)
    await chown(path, nobody, nobody)
  }
  const refused = ({ code, err }: Ended, path: string): void => {
    expect(err).toContain(`refused to load ${path}: it belongs to nobody`)
    expect(code).toBe(2)
    expect(ran()).toBe(false)
  }

  test.each([0o644, 0o660])('in a sticky folder above is not executed, mode %o', async (mode) => {
    const config = `${effect()}export default { targets: { a: { settings: {} } } }\n`
    await foreign(join(place, 'runbook.config.ts'), config, mode)
    const ended = await project.runIn(join(place, 'work'), ['list'])
    expect(ended.err).toContain(`refused to load ${join(place, 'runbook.config.ts')}: it belongs to nobody`)
    expect(ended.code).toBe(2)
    expect(ran()).toBe(false)
  })

  test('is not executed where ours imports it, from the configuration, a runbook or a package', async () => {
    await foreign(join(place, 'lib.ts'), `${effect()}export const a = 1\n`)
    const config = await readFile(project.path('runbook.config.ts'), 'utf8')
    await writeFile(
      project.path('runbook.config.ts'),
      `import ${JSON.stringify(join(place, 'lib.ts'))}\n${config}`,
    )
    refused(await project.runIn(project.folder, ['list']), join(place, 'lib.ts'))
    await writeFile(
      project.path('runbook.config.ts'),
      `${config}\nawait import(${JSON.stringify(join(place, 'lib.ts'))})\n`,
    )
    refused(await project.runIn(project.folder, ['status']), join(place, 'lib.ts'))
    await writeFile(project.path('runbook.config.ts'), config)

    const book = project.path('runbooks/approved.ts')
    const own = await readFile(book, 'utf8')
    await symlink(join(place, 'lib.ts'), project.path('steps/lib.ts'))
    await writeFile(book, `import '../steps/lib.ts'\n${own}`)
    refused(await project.runIn(project.folder, ['show', 'approved']), join(place, 'lib.ts'))

    await foreign(
      join(place, 'script.js'),
      `require('fs').writeFileSync(${JSON.stringify(join(place, 'ran'))}, '')\nmodule.exports = 1\n`,
    )
    await symlink(join(place, 'script.js'), project.path('steps/script.js'))
    await writeFile(book, `import '../steps/script.js'\n${own}`)
    refused(await project.run(['show', 'approved']), join(place, 'script.js'))
    await writeFile(project.path('steps/asking.js'), "module.exports = require('./script.js')\n")
    await writeFile(book, `import '../steps/asking.js'\n${own}`)
    refused(await project.run(['show', 'approved']), join(place, 'script.js'))

    const pkg = project.path('node_modules/pkg')
    await mkdir(pkg, { recursive: true })
    await writeFile(join(pkg, 'package.json'), '{ "name": "pkg", "main": "index.cjs" }')
    await writeFile(join(pkg, 'index.cjs'), "require('./inner.cjs')\n")
    await foreign(
      join(pkg, 'inner.cjs'),
      `require('fs').writeFileSync(${JSON.stringify(join(place, 'ran'))}, '')\n`,
    )
    await writeFile(book, `import 'pkg'\n${own}`)
    refused(await project.runIn(project.folder, ['show', 'approved']), join(pkg, 'inner.cjs'))
  })

  test('is executed with --trust, which the evidence of a run and of a resume records', async () => {
    await foreign(join(place, 'lib.ts'), 'export const a = 1\n')
    const book = project.path('runbooks/three-files.ts')
    await writeFile(book, `import ${JSON.stringify(join(place, 'lib.ts'))}\n${await readFile(book, 'utf8')}`)
    const trust = ['--trust', join(place, 'lib.ts')]
    await mkdir(project.path('world'))
    const running = project.start([...trust, 'run', 'three-files', '--wait-for', 'gate'])
    await running.shows('waiting for gate')
    running.child.kill('SIGKILL')
    await running.ended
    await writeFile(project.path('world/gate'), '')
    const untrusted = await project.runIn(project.folder, ['resume'])
    expect(untrusted.code).toBe(15)
    expect(untrusted.err).toContain(`add --trust ${join(place, 'lib.ts')}, which is recorded`)
    expect((await project.runIn(project.folder, [...trust, 'resume'])).code).toBe(0)
    const [line] = jsonLines((await project.runIn(project.folder, ['history', '--json'])).out)
    const { out } = await project.runIn(project.folder, ['evidence', 'show', String(line?.['run'])])
    expect(out.split('code loaded with --trust on')).toHaveLength(3)
    expect(out).toContain('lib.ts (belongs to nobody')
  })

  test('is executed by root through sudo, if it belongs to the user who typed it', async () => {
    await foreign(
      join(place, 'runbook.config.ts'),
      `${effect()}export default { targets: { a: { settings: {} } } }\n`,
    )
    const { code } = await project.runIn(join(place, 'work'), ['list'], { SUDO_UID: String(nobody) })
    expect(code).toBe(0)
    expect(ran()).toBe(true)
  })

  test("is not taken from another user's cache of compiled code", async () => {
    const cache = join(place, 'node-compile-cache')
    await mkdir(cache, { mode: 0o755 })
    await chown(cache, nobody, nobody)
    expect(
      (await project.runIn(project.folder, ['list'], { TMPDIR: place, NODE_COMPILE_CACHE: undefined })).code,
    ).toBe(0)
    const { readdir } = await import('node:fs/promises')
    expect(await readdir(cache)).toEqual([])
    await rm(cache, { recursive: true })
    expect(
      (await project.runIn(project.folder, ['list'], { TMPDIR: place, NODE_COMPILE_CACHE: undefined })).code,
    ).toBe(0)
    expect(await readdir(cache)).not.toEqual([])
  })
})
