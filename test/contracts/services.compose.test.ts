import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { composeServices } from '../../src/adapters/docker/services.ts'
import { busyboxStack, testLabel } from '../fixtures/busybox-stack.ts'
import { releaseLink } from '../fixtures/release-link.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { docker } from '../fixtures/requirements.ts'
import { servicesContract } from './services.contract.ts'

const services = (web: string): string => `
x-serve: &serve
  image: runbook-test/busybox:1
  ${testLabel}
  command: ["sh", "-c", "trap \\"$$TRAP\\" TERM; echo $$NAME runs $$DECLARED; while :; do sleep 0.1; done"]
services:
  web: { <<: *serve, depends_on: [worker], volumes: ["./current:/release:ro"], environment: { NAME: web, DECLARED: "${web}", TRAP: exit 0 } }
  worker: { <<: *serve, environment: { NAME: worker, DECLARED: one, TRAP: exit 0 } }
  stubborn: { <<: *serve, environment: { NAME: stubborn, DECLARED: one, TRAP: "" } }
  check:
    image: runbook-test/busybox:1
    ${testLabel}
    profiles: [by-hand]
    init: true
    depends_on: [worker]
    entrypoint: ["sh", "-c", "echo checking; [ \\"$$1\\" = wait ] && exec sleep 1000; exit \\"$\${1:-0}\\"", "sh"]
`

describe.skipIf(!docker())('with Docker', () => {
  servicesContract('docker-compose', async () => {
    const { stack, write, ids, close } = await busyboxStack(services('one'))
    return {
      stack,
      lead: (await releaseLink(stack.directory)).lead,
      seen: '/release',
      services: (scope) => composeServices({ scope }),
      redeclare: async (declared) => {
        await write(services(declared))
        return stack
      },
      crash: async (name) =>
        void (await execa('docker', ['kill', ...(await ids(`com.docker.compose.service=${name}`))])),
      oneOffs: async () => (await ids('com.docker.compose.oneoff=True')).length,
      checkWith: (word) => [word],
      close,
    }
  })

  it('makes a service anew where a deployment that was cut off left a second container under the name of its id', async () => {
    const { stack, ids, close } = await busyboxStack(services('one'))
    try {
      const group = { stack, names: ['web'] }
      const driver = composeServices({ scope: watchedScope() })
      await driver.up(group)
      const [id = ''] = await ids('com.docker.compose.service=web')
      const labels = { project: stack.project, service: 'web', oneoff: 'False', 'container-number': '1' }
      await execa('docker', [
        'create',
        '--name',
        `${id.slice(0, 12)}_${stack.project}-web-1`,
        ...Object.entries(labels).flatMap(([key, value]) => [
          '--label',
          `com.docker.compose.${key}=${value}`,
        ]),
        'runbook-test/busybox:1',
      ])
      expect(await ids('com.docker.compose.service=web')).toHaveLength(2)
      await driver.recreate(group)
      const [made, ...more] = await ids('com.docker.compose.service=web')
      expect([made === id, more]).toEqual([false, []])
      expect(await driver.states(group)).toMatchObject([{ state: 'running' }])
    } finally {
      await close()
    }
  })
})
