import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe } from 'vitest'
import { dockerImages } from '../../src/adapters/docker/images.ts'
import { registryWith } from '../fixtures/registry.ts'
import { docker } from '../fixtures/requirements.ts'
import { imagesContract } from './images.contract.ts'

describe.skipIf(!docker())('with Docker', () => {
  imagesContract('docker', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rbimages-'))
    const repository = `rbtest-images-${Math.random().toString(36).slice(2, 10)}`
    for (const tag of ['one', 'two']) {
      await execa('docker', ['build', '--quiet', '--tag', `${repository}:${tag}`, '-'], {
        input: `FROM runbook-test/busybox:1\nLABEL rbtest="${repository}-${tag}"\n`,
      })
    }
    const { stdout } = await execa('docker', [
      'image',
      'inspect',
      '--format',
      '{{.Id}}',
      `${repository}:one`,
      `${repository}:two`,
    ])
    const registry = await registryWith(`${repository}:one`, `${repository}:1`)
    return {
      images: (scope) => dockerImages({ scope }),
      repository,
      remote: registry.reference,
      nowhere: '127.0.0.1:1/none:1',
      folder,
      cut: async (file) => truncate(file, Math.floor((await readFile(file)).length / 2)),
      flip: async (file) => {
        const body = await readFile(file)
        const at = Math.floor(body.length / 2)
        body[at] = (body[at] ?? 0) ^ 1
        await writeFile(file, body)
      },
      exists: async (file) => existsSync(file),
      use: async (id) => (
        await execa('docker', ['create', '--name', `${repository}-user`, id, 'true']),
        `${repository}-user`
      ),
      close: async () => {
        await registry[Symbol.asyncDispose]()
        await execa('docker', ['rm', '--force', `${repository}-user`], { reject: false })
        await execa('docker', ['rmi', '--force', ...stdout.split('\n')], { reject: false })
        await rm(folder, { recursive: true, force: true })
      },
    }
  })
})
