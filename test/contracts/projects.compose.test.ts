import { mkdir, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe } from 'vitest'
import { dockerProjects } from '../../src/adapters/docker/projects.ts'
import { docker } from '../fixtures/requirements.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { projectsContract } from './projects.contract.ts'

const image = 'runbook-test/busybox:1'

describe.skipIf(!docker())('with Docker', () => {
  const name = `rbtest-projects-${Math.random().toString(36).slice(2, 8)}`
  let folder = ''
  const at = (...path: readonly string[]): string => join(folder, ...path)
  const compose = (...argv: readonly string[]) =>
    execa('docker', [
      'compose',
      '--project-name',
      name,
      '--file',
      at('ran', 'compose.yml'),
      '--env-file',
      at('ran', 'of.env'),
      ...argv,
    ])

  beforeAll(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'projects-')))
    await Promise.all(['ran', 'idle'].map((one) => mkdir(at(one))))
    await writeFile(at('ran', 'of.env'), `IMAGE=${image}\n`)
    await writeFile(
      at('ran', 'compose.yml'),
      'services:\n  web:\n    image: ${IMAGE}\n    network_mode: none\n    labels: { team: shop }\n',
    )
    await writeFile(
      at('idle', 'compose.yml'),
      `name: idle\nservices:\n  web: { image: '${image}' }\n  more: { image: '${image}', profiles: [more] }\n`,
    )
    await compose('up', '--no-start')
    await execa('docker', [
      'create',
      '--name',
      `${name}-x`,
      '--label',
      'service=loose',
      '--network',
      'none',
      image,
      'true',
    ])
    await execa('docker', ['volume', 'create', name])
    await execa('docker', ['build', '--tag', `${name}:checked`, '-'], {
      input: `FROM ${image}\nHEALTHCHECK CMD true\n`,
    })
  })
  afterAll(async () => {
    await compose('down', '--volumes').catch(() => undefined)
    await execa('docker', ['rm', '--force', `${name}-x`]).catch(() => undefined)
    await execa('docker', ['volume', 'rm', name]).catch(() => undefined)
    await execa('docker', ['image', 'rm', `${name}:checked`]).catch(() => undefined)
    await rm(folder, { recursive: true, force: true })
  })

  projectsContract('of the Docker engine', async () => ({
    projects: dockerProjects({ scope: watchedScope() }),
    ran: { name, directory: at('ran'), files: [at('ran', 'compose.yml')], envFiles: [at('ran', 'of.env')] },
    idle: at('idle', 'compose.yml'),
    loose: `${name}-x`,
    volume: name,
    images: { checked: `${name}:checked`, unchecked: image },
  }))
})
