import { cp, mkdtemp, readdir, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePorts } from '../fixtures/free-ports.ts'
import { typed, type Finished } from '../fixtures/typed.ts'
import { blocks, page, root } from './pages.ts'

const minute = 60_000
let folder: string
let environment: { readonly [name: string]: string }

const shell = (line: string, cwd = folder): Promise<Finished> =>
  typed(['bash', '-c', line], { cwd, env: environment }).finished

/** The lines of a page's commands, with the exit code that a comment gives them. */
const linesOf = (file: string): readonly { readonly line: string; readonly exit: number }[] =>
  blocks(page(file), 'sh')
    .flatMap((code) => code.split('\n'))
    .filter((line) => line !== '')
    .map((line) => ({
      line: line.replace(/ +#.*$/, ''),
      exit: Number(/# exit (\d+)$/.exec(line)?.[1] ?? 0),
    }))

describe('commands of the documents, on the demo', () => {
  beforeAll(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'docs-')))
    for (const name of [
      'bin',
      'demo',
      'runbooks',
      'src',
      'steps',
      'targets',
      'package.json',
      'runbook.config.ts',
    ])
      await cp(join(root, name), join(folder, name), { recursive: true })
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    await writeFile(
      join(folder, 'runbook'),
      `#!/bin/sh\nexec '${process.execPath}' '${folder}/bin/runbook.js' "$@"\n`,
      {
        mode: 0o755,
      },
    )
    await writeFile(join(folder, 'npx'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 })
    const [port = 0] = await freePorts(1)
    environment = {
      DEMO_PORT: String(port),
      NO_COLOR: '1',
      PATH: `${folder}:${process.env['PATH'] ?? ''}`,
    }
    const { code, stdout, stderr } = await shell(`'${process.execPath}' demo/demo.ts`)
    expect(code, stdout + stderr).toBe(0)
  }, minute)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test(
    'operating.md: each ends with the exit code that it is said to have',
    async () => {
      const lines = linesOf('docs/operating.md')
      expect(lines.length).toBeGreaterThan(5)
      for (const { line, exit } of lines) {
        const { code, stdout, stderr } = await shell(line)
        expect(code, `${line}\n${stdout}${stderr}`).toBe(exit)
      }
    },
    2 * minute,
  )

  test(
    'evidence.md: the evidence of the demo, and a dump that it made, are verified by all of them',
    async () => {
      const artifacts = join(folder, '.demo', 'artifacts', '_')
      const [first = ''] = (await readdir(artifacts)).filter((name) => name.includes('full-db-rollback'))
      await cp(join(folder, '.demo', 'state', 'allowed_signers'), join(artifacts, 'allowed_signers'))
      const lines = linesOf('docs/evidence.md')
      const [ofBackups, ofRuns] = [true, false].map((backup) =>
        lines.filter(({ line }) => line.includes('NAME') === backup),
      )
      expect([ofRuns?.length, ofBackups?.length]).toEqual([4, 2])
      let printed = ''
      for (const { line } of ofRuns ?? []) {
        // The program is run beside the folder, stock tools in it.
        const cwd = line.startsWith('runbook') ? artifacts : join(artifacts, first)
        const config = join(folder, 'runbook.config.ts')
        const { code, stdout, stderr } = await shell(
          line.replace(/^runbook /, `runbook --config ${config} `).replace('FOLDER', `./${first}`),
          cwd,
        )
        expect(code, `${line}\n${stdout}${stderr}`).toBe(0)
        printed = stdout
      }
      const statement = JSON.parse(await readFile(join(artifacts, first, 'statement.json'), 'utf8')) as {
        readonly subject: readonly { readonly name: string; readonly digest: { readonly sha256: string } }[]
      }
      const sums = statement.subject.find(({ name }) => name === 'SHA256SUMS')
      expect(printed).toBe(`${sums?.digest.sha256}"},"name":"SHA256SUMS\n`)

      const manifests = (await readdir(join(folder, '.demo'), { recursive: true })).filter((name) =>
        name.endsWith('.manifest.json'),
      )
      const manifest = join(folder, '.demo', manifests[0] ?? '')
      const name = basename(manifest, '.manifest.json')
      await cp(
        join(folder, '.demo', 'state', 'allowed_signers'),
        join(manifest, '..', '..', 'allowed_signers'),
      )
      for (const { line } of ofBackups ?? []) {
        const { code, stdout, stderr } = await shell(line.replaceAll('NAME', name), dirname(manifest))
        expect(code, `${line}\n${stdout}${stderr}`).toBe(0)
        printed = stdout
      }
      const stated = JSON.parse(await readFile(manifest, 'utf8')) as { readonly sha256: string }
      expect(printed).toBe(`${stated.sha256}  ${name}\n`)
    },
    minute,
  )
})
