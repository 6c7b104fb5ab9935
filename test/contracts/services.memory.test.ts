import { emptyDisk, lay } from '../../src/testing/disk.ts'
import { emptyFleet, fakeServices, fakeService } from '../../src/testing/services.ts'
import { expect, it } from 'vitest'
import { watchedScope } from '../fixtures/scope.ts'
import { servicesContract } from './services.contract.ts'

servicesContract('memory', async () => {
  let running = 0
  const fleet = emptyFleet({ web: 'one', worker: 'one', stubborn: 'one' })
  fleet.published = [{ service: 'stubborn', port: 48731 }]
  fleet.volumes = new Set()
  fleet.services.get('stubborn')!.volumes = { '/data': 'memory_data' }
  const disk = emptyDisk()
  lay(disk, '/web.env', 'NAME=web\n')
  Object.assign(fleet.services.get('web')!, { envFiles: ['/web.env'], mounts: { '/release': '/current' } })
  lay(disk, '/worker.env', 'NAME=worker\n')
  fleet.services.get('worker')!.envFiles = ['/worker.env']
  for (const word of ['one', 'two']) lay(disk, `/releases/${word}/name`, word)
  fleet.services.set(
    'check',
    fakeService('one', async (command, signal) => {
      const word = command.at(-1) ?? '0'
      if (word !== 'wait') return { exitCode: Number(word), output: 'checking\n' }
      running += 1
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      running -= 1
      return { exitCode: 143, output: '' }
    }),
  )
  const stack = { kind: 'process', project: 'memory', directory: '/', state: '/', services: {} } as const
  return {
    stack,
    services: (scope) => fakeServices(fleet, scope, disk),
    redeclare: async (declared) => {
      fleet.services.get('web')!.declared = declared
      return stack
    },
    resettle: async () => {
      fleet.services.get('worker')!.settings = 'two'
      return stack
    },
    edit: {
      edit: { file: '/worker.env', body: Buffer.from('NAME=worker\nSTAGE=two\n') },
      changes: [{ service: 'worker', path: 'environment.STAGE' }],
    },
    stored: {
      volume: 'memory_data',
      at: '/data',
      port: 48731,
      cure: 'set stack.files',
      rename: async () => {
        fleet.services.get('stubborn')!.volumes = { '/data': 'memory_renamed' }
        return stack
      },
    },
    scales: true,
    crash: async (name) => {
      Object.assign(fleet.services.get(name)!.instance!, { state: 'stopped', exitCode: 137 })
    },
    seen: '/release',
    needs: [],
    lead: async (to) => void disk.links.set('/current', `releases/${to}`),
    oneOffs: async () => running,
    checkWith: (word) => ['check', word],
    close: async () => undefined,
  }
})

it('refuses a service without an instance that another project runs from the same files', async () => {
  const fleet = emptyFleet({ web: 'one', worker: 'one' })
  fleet.elsewhere = { web: 'shop-main' }
  const services = fakeServices(fleet, watchedScope())
  const stack = { kind: 'process', project: 'shop', directory: '/', state: '/', services: {} } as const
  expect(await services.states({ stack, names: ['worker'] })).toMatchObject([{ state: 'missing' }])
  await expect(services.states({ stack, names: ['web'] })).rejects.toMatchObject({
    code: 'preflight',
    message: expect.stringContaining('the project shop-main has one'),
  })
})
