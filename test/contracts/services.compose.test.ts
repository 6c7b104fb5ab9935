import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { describe, expect, it } from 'vitest'
import { composeServices } from '../../src/adapters/docker/services.ts'
import { busyboxStack, testLabel } from '../fixtures/busybox-stack.ts'
import { releaseLink } from '../fixtures/release-link.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { docker } from '../fixtures/requirements.ts'
import { servicesContract } from './services.contract.ts'

const services = (web: string, worker = '', volume = 'data'): string => `
x-serve: &serve
  image: runbook-test/busybox:1
  ${testLabel}
  command: ["sh", "-c", "trap \\"$$TRAP\\" TERM; echo $$NAME runs $$DECLARED; while :; do sleep 0.1; done"]
services:
  web: { <<: *serve, depends_on: [worker], volumes: ["./current:/release:ro"], environment: { NAME: web, DECLARED: "${web}", TRAP: exit 0 } }
  worker: { <<: *serve, environment: { NAME: worker, DECLARED: one, TRAP: exit 0${worker} } }
  stubborn: { <<: *serve, volumes: ["${volume}:/data"], ports: ["127.0.0.1:48731:80", "127.0.0.1::81", "127.0.0.1:48731:82/udp"], environment: { NAME: stubborn, DECLARED: one, TRAP: "" } }
  check:
    image: runbook-test/busybox:1
    ${testLabel}
    profiles: [by-hand]
    init: true
    depends_on: [worker]
    entrypoint: ["sh", "-c", "echo checking; [ \\"$$1\\" = wait ] && exec sleep 1000; exit \\"$\${1:-0}\\"", "sh"]
volumes: { ${volume}: {} }
`

describe.skipIf(!docker())('with Docker', () => {
  servicesContract('docker-compose', async () => {
    const { stack, write, ids, close } = await busyboxStack(services('one'))
    return {
      stack,
      lead: (await releaseLink(stack.directory)).lead,
      seen: '/release',
      needs: ['worker'],
      services: (scope) => composeServices({ scope }),
      redeclare: async (declared) => {
        await write(services(declared))
        return stack
      },
      resettle: async () => {
        await write(services('one', ', STAGE: two'))
        return stack
      },
      edit: {
        edit: { file: stack.files[0] ?? '', body: Buffer.from(services('one', ', STAGE: two')) },
        changes: [{ service: 'worker', path: 'environment.STAGE' }],
      },
      stored: {
        volume: `${stack.project}_data`,
        at: '/data',
        port: 48731,
        cure: `name ${stack.project}_data in the Compose file again, or copy what is in it first; only then: `,
        rename: async () => {
          await write(services('one', '', 'renamed'))
          return stack
        },
      },
      scales: true,
      crash: async (name) =>
        void (await execa('docker', ['kill', ...(await ids(`com.docker.compose.service=${name}`))])),
      oneOffs: async () => (await ids('com.docker.compose.oneoff=True')).length,
      checkWith: (word) => [word],
      close,
    }
  })

  it('names what a service would lose that was started with a file which the stack does not name', async () => {
    const { stack, ids, close } = await busyboxStack(services('one'))
    const override = join(stack.directory, 'override.yml')
    try {
      await writeFile(
        override,
        'services: { web: { environment: { STAGE: production }, volumes: ["data:/data"], networks: [default, more] } }\nvolumes: { data: {} }\nnetworks: { more: {} }\n',
      )
      const driver = composeServices({ scope: watchedScope() })
      const both = { ...stack, files: [...stack.files, override] }
      await driver.up({ stack: both, names: ['web', 'worker'] })
      expect(await driver.drift({ stack: both, names: ['web', 'worker'] })).toEqual([])
      const [drift, ...more] = await driver.drift({ stack, names: ['web', 'worker'] })
      expect(more).toEqual([])
      expect(drift).toMatchObject({
        service: 'web',
        kinds: ['files', 'environment', 'mounts', 'networks'],
        hint: `set stack.files to ['${stack.files[0]}', '${override}'] in runbook.config.ts`,
      })
      for (const lost of [
        'lose the variable STAGE',
        `lose the volume ${stack.project}_data at /data`,
        `lose the network ${stack.project}_more`,
      ])
        expect(drift?.problem).toContain(lost)
      expect(drift?.problem).not.toContain('production')
    } finally {
      const left = await ids()
      if (left.length > 0) await execa('docker', ['rm', '--force', ...left])
      await execa('docker', ['network', 'rm', `${stack.project}_more`], { reject: false })
      await execa('docker', ['volume', 'rm', `${stack.project}_data`], { reject: false })
      await close()
    }
  })

  it('reports a variable that was only in the shell of whoever deployed', async () => {
    const { stack, write, close } = await busyboxStack(services('one'))
    try {
      await writeFile(join(stack.directory, 'worker.env'), "PASSWORD='a$b'\nURL=db://$NAME\n")
      await write(
        services('one', ', MODE: "${APP_MODE:-none}", PRICE: "5$$"').replace(
          '  worker: { <<: *serve,',
          '  worker: { <<: *serve, env_file: [worker.env],',
        ),
      )
      const driver = composeServices({ scope: watchedScope() })
      const inline = { ...stack, environment: { ...stack.environment, APP_MODE: 'live' } }
      await driver.up({ stack: inline, names: ['worker'] })
      expect(await driver.drift({ stack: inline, names: ['worker'] })).toEqual([])
      expect(await driver.drift({ stack, names: ['worker'] })).toMatchObject([
        {
          service: 'worker',
          kinds: ['environment'],
          problem: expect.stringContaining('get another value of MODE'),
        },
      ])
    } finally {
      await close()
    }
  })

  it('takes dependencies that were not named when the service came up for no difference', async () => {
    const { stack, close } = await busyboxStack(services('one'))
    try {
      const driver = composeServices({ scope: watchedScope() })
      const [file = ''] = stack.files
      await execa('docker', ['compose', '-p', stack.project, '-f', file, 'up', '--detach', 'web'], {
        cwd: stack.directory,
      })
      expect(await driver.drift({ stack, names: ['web', 'worker'] })).toEqual([])
      await driver.recreate({ stack, names: ['web'] })
      expect(await driver.drift({ stack, names: ['web'] })).toEqual([])
    } finally {
      await close()
    }
  })

  it('takes another image, a build section and other replicas for no difference', async () => {
    const { stack, write, close } = await busyboxStack(services('one'))
    const service = (more: string): string =>
      `services: { web: { ${more}, ${testLabel}, init: true, command: [sleep, "1000"] } }`
    try {
      const driver = composeServices({ scope: watchedScope() })
      await write(service('image: "runbook-test/busybox:1"'))
      await driver.up({ stack, names: ['web'] })
      await write(service('image: "runbook-test/busybox:2", build: ., scale: 3, depends_on: []'))
      expect(await driver.drift({ stack, names: ['web'] })).toEqual([])
      await write(service('image: "runbook-test/busybox:2", stop_signal: SIGKILL'))
      expect(await driver.drift({ stack, names: ['web'] })).toMatchObject([{ kinds: ['other'] }])
    } finally {
      await close()
    }
  })

  it('refuses a service of the wrong project, which runs under another name from the same files', async () => {
    const { stack, close } = await busyboxStack(services('one'))
    try {
      const driver = composeServices({ scope: watchedScope() })
      await driver.up({ stack, names: ['web'] })
      const wrong = { ...stack, project: `${stack.project}-wrong` }
      const refusal = {
        code: 'preflight',
        message: expect.stringContaining(`the project ${stack.project} has one from the same files`),
        hint: expect.stringContaining(`set stack.project to '${stack.project}'`),
      }
      for (const ask of [driver.states, driver.drift, driver.creations, driver.outdated, driver.up])
        await expect(ask({ stack: wrong, names: ['web'] })).rejects.toMatchObject(refusal)
      await expect(driver.stop({ stack: wrong, names: ['web'] }, 1)).rejects.toMatchObject(refusal)
      expect(await driver.states({ stack: wrong, names: ['worker'] })).toMatchObject([{ state: 'missing' }])
      expect(await driver.states({ stack, names: ['web'] })).toMatchObject([{ state: 'running' }])
    } finally {
      await close()
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
