import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { dockerOrphans } from '../../src/adapters/docker/orphans.ts'
import { dockerThrowaways } from '../../src/adapters/docker/throwaways.ts'
import { docker } from '../fixtures/requirements.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { containersContract } from './containers.contract.ts'

const image = 'runbook-test/busybox:1'
const lasting = { image, command: ['sleep', '1000'] }

describe.skipIf(!docker())('with Docker', () => {
  const scope = watchedScope({ run: `containers-${Math.random().toString(36).slice(2, 10)}` })

  containersContract('of the Docker engine', async () => {
    const foreign: string[] = []
    const create = async (name: string, mounted: string): Promise<void> => {
      foreign.push(name)
      const mount = ['--volume', `${mounted}:/mounted`]
      await execa('docker', ['create', '--name', name, '--network', 'none', ...mount, image, 'true'])
    }
    const volumes: string[] = []
    return {
      containers: dockerThrowaways({ scope }),
      lasting,
      ending: { image, command: ['sh', '-c', 'echo one; echo two; exit 7'] },
      foreign: create,
      bound: async (name, folder) => {
        const volume = `${name}-volume`
        const options = ['type=none', 'o=bind', `device=${folder}`].flatMap((option) => ['--opt', option])
        await execa('docker', ['volume', 'create', ...options, volume])
        volumes.push(volume)
        await create(name, volume)
      },
      close: async () => {
        if (foreign.length > 0) await execa('docker', ['rm', '--force', '--volumes', ...foreign])
        if (volumes.length > 0) await execa('docker', ['volume', 'rm', ...volumes])
      },
    }
  })

  it('makes one without network, with one random value that only it knows, and takes its volumes away with it', async () => {
    const containers = dockerThrowaways({ scope })
    const names = ['one', 'other'].map((name) => `${scope.run}-${name}`)
    const values: string[] = []
    let volume = ''
    for (const name of names) {
      const { id } = await containers.start({
        name,
        image: 'runbook-test/postgres:17',
        command: ['sleep', '1000'],
        environment: { PLAIN: 'x y' },
        random: ['FIRST', 'SECOND'],
      })
      try {
        const { stdout } = await execa('docker', ['inspect', id])
        const [{ HostConfig, Config, Mounts }] = JSON.parse(stdout) as [
          {
            HostConfig: { NetworkMode: string; PortBindings: unknown }
            Config: { Env: string[] }
            Mounts: { Name: string }[]
          },
        ]
        expect(HostConfig.NetworkMode).toBe('none')
        expect(HostConfig.PortBindings ?? {}).toEqual({})
        expect(Config.Env).toContain('PLAIN=x y')
        const [first, second] = ['FIRST', 'SECOND'].map(
          (variable) =>
            Config.Env.find((line) => line.startsWith(`${variable}=`))?.slice(variable.length + 1) ?? '',
        )
        expect(first).toMatch(/^[0-9a-f]{48}$/)
        expect(second).toBe(first)
        values.push(first ?? '')
        volume = Mounts[0]?.Name ?? ''
        // What clears away after a dead run must leave it to the step that started it.
        expect(await dockerOrphans({ scope }).find(scope.run)).toEqual([])
      } finally {
        await containers.remove(name)
      }
      expect((await execa('docker', ['volume', 'inspect', volume], { reject: false })).exitCode).not.toBe(0)
    }
    expect(new Set(values).size).toBe(2)
    expect(scope.text()).not.toContain(values[0])
  }, 60_000)
})
