import { execa } from 'execa'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import Docker from 'dockerode'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dockerOrphans } from '../../src/adapters/docker/orphans.ts'
import { composeServices } from '../../src/adapters/docker/services.ts'
import { busyboxStack, testLabel, type BusyboxStack } from '../fixtures/busybox-stack.ts'
import { docker } from '../fixtures/requirements.ts'
import { watchedScope } from '../fixtures/scope.ts'
import { orphansContract } from './orphans.contract.ts'

const engine = fileURLToPath(new URL('../fixtures/engine-in-docker.ts', import.meta.url))

describe.skipIf(!docker())('with Docker', () => {
  let fixture: BusyboxStack
  const api = new Docker()
  const orphans = dockerOrphans({ scope: watchedScope() })

  beforeAll(async () => {
    fixture = await busyboxStack(`
services:
  web: { image: "runbook-test/busybox:1", ${testLabel}, init: true, command: ["sleep", "1000"] }
`)
    await composeServices({ scope: watchedScope() }).up({ stack: fixture.stack, names: ['web'] })
  })
  afterAll(() => fixture?.close())

  const web = async (): Promise<string> => (await fixture.ids('com.docker.compose.oneoff=False'))[0] ?? ''

  /** Starts it, waits until it says that it is there, and kills the engine. */
  const abandon = async (what: 'exec' | 'one-off', run: string, step: string, how: string): Promise<void> => {
    const script = `${how === 'stubborn' ? 'trap "" TERM; ' : ''}echo ready; while :; do sleep 0.1; done`
    const started = spawn(
      process.execPath,
      [engine, what, JSON.stringify(fixture.stack), run, step, script],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    for await (const chunk of started.stdout as AsyncIterable<Buffer>)
      if (chunk.toString().includes('ready')) break
    started.kill('SIGKILL')
    if (started.exitCode === null && started.signalCode === null) await once(started, 'exit')
  }

  orphansContract('containers of one-offs', async () => ({
    orphans,
    leave: async (run, step, how) => {
      await abandon('one-off', run, step, how)
      return (await fixture.ids(`runbook.run=${run}`, `runbook.step=${step}`))[0] ?? ''
    },
    lives: async (id) => (await execa('docker', ['ps', '--quiet', '--no-trunc'])).stdout.includes(id),
    close: async () => undefined,
  }))

  orphansContract('programs in containers', async () => ({
    orphans,
    leave: async (run, step, how) => {
      const execs = async () => (await api.getContainer(await web()).inspect()).ExecIDs ?? []
      const before = await execs()
      await abandon('exec', run, step, how)
      return (await execs()).find((id) => !before.includes(id)) ?? ''
    },
    lives: (id) =>
      api
        .getExec(id)
        .inspect()
        .then(
          ({ Running }) => Running,
          () => false,
        ),
    close: async () => undefined,
  }))

  test('what others run in a container is none of ours', async () => {
    const client = spawn('docker', [
      'exec',
      '--env',
      'RUNBOOK_RUN=run-of-another',
      await web(),
      'sleep',
      '1000',
    ])
    expect(await orphans.find('run-of-another')).toEqual([])
    client.kill('SIGKILL')
  })
})
