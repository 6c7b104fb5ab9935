import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { busyboxStack, testLabel, type BusyboxStack } from '../fixtures/busybox-stack.ts'
import { endOf } from '../fixtures/commands.ts'
import { freePorts } from '../fixtures/free-ports.ts'
import { docker } from '../fixtures/requirements.ts'
import type { Finished } from '../fixtures/typed.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

const repository = `rbimport-${Math.random().toString(36).slice(2, 10)}/scribe`
const said = ({ code, stdout, stderr }: Finished): string => `exit ${code}\n${stdout}\n${stderr}`

describe.skipIf(!docker())('an imported rollback by tag, on Docker', () => {
  let shop: BusyboxStack
  const ids = new Map<string, string>()

  const type = (...args: readonly string[]): Promise<Finished> =>
    endOf([...args], { cwd: shop.stack.directory, env: { NO_COLOR: '1', HOME: shop.stack.directory } })
  const compose = (...args: readonly string[]) =>
    execa('docker', ['compose', ...args], { cwd: shop.stack.directory, stdin: 'ignore' })
  const idOf = async (what: string): Promise<string> =>
    (await execa('docker', ['inspect', '--format', '{{or .Id ""}}', what])).stdout
  const runs = async (): Promise<string> => {
    const { stdout: container } = await compose('ps', '--quiet', 'scribe')
    return (await execa('docker', ['inspect', '--format', '{{.Image}}', container])).stdout
  }
  const tag = (from: string, to: string) =>
    execa('docker', ['tag', `${repository}:${from}`, `${repository}:${to}`])

  beforeAll(async () => {
    // The one without the file that the health check asks for is broken.
    for (const [version, file] of [
      ['1', 'health'],
      ['2', 'health'],
      ['broken', 'elsewhere'],
    ] as const) {
      await execa('docker', ['build', '--quiet', '--tag', `${repository}:${version}`, '-'], {
        input: `FROM runbook-test/busybox:1\nENV FILE="${file}" VERSION="${version}"\n`,
      })
      ids.set(version, await idOf(`${repository}:${version}`))
    }
    await tag('1', 'previous')
    await tag('2', 'latest')
    const [port] = await freePorts(1)
    shop = await busyboxStack('services: {}\n')
    await shop.write(`
name: ${shop.stack.project}
services:
  scribe:
    image: ${repository}:latest
    init: true
    ${testLabel}
    command: ["sh", "-c", "mkdir -p /srv && echo ok > /srv/$$FILE && exec httpd -f -p 80 -h /srv"]
    ports: ["127.0.0.1:${port}:80"]
`)
    await writeFile(
      join(shop.stack.directory, 'rollback.md'),
      `# Roll back the image

\`\`\`sh
docker tag ${repository}:previous ${repository}:latest
docker compose -f compose.yml up -d scribe
curl --fail http://127.0.0.1:${port}/health
\`\`\`
`,
    )
    await compose('up', '--detach', '--no-build')
    const imported = await type('import', 'rollback.md', '--out', '.')
    expect(imported.code, said(imported)).toBe(0)
    // Read and corrected before the first run, as the documentation asks.
    const file = join(shop.stack.directory, 'runbook.config.ts')
    const written = await readFile(file, 'utf8')
    const patient = written.replace(/url: '[^']+\/health'/, `$&, within: '6s', every: '200ms'`)
    expect(patient).not.toBe(written)
    await writeFile(file, patient)
  })
  afterAll(async () => {
    await shop.close()
    const names = ['1', '2', 'broken', 'previous', 'latest'].map((version) => `${repository}:${version}`)
    await execa('docker', ['rmi', '--force', ...names], { reject: false })
  })

  it('runs the image that it goes back to', async () => {
    expect(await runs()).toBe(ids.get('2'))
    const run = await type('run', 'roll-back-the-image')
    expect(run.code, said(run)).toBe(0)
    expect(await runs()).toBe(ids.get('1'))
    expect(await idOf(`${repository}:latest`)).toBe(ids.get('1'))
  })

  it('goes back to what ran before, containers and names, if that image does not come up', async () => {
    await tag('broken', 'previous')
    const run = await type('run', 'roll-back-the-image')
    expect(run.code, said(run)).toBe(10)
    expect(await runs()).toBe(ids.get('1'))
    expect(await idOf(`${repository}:latest`)).toBe(ids.get('1'))
    const { stdout } = await compose('ps', '--all', '--quiet')
    expect(stdout.split('\n')).toHaveLength(1)
  })
})
