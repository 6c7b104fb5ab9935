import { connect, createServer, type NetConnectOpts, type Server } from 'node:net'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { locksFor } from '../../src/cli/locks.ts'
import type { LockHolder, LockPart } from '../../src/drivers/locks.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { eventually } from '../fixtures/eventually.ts'
import { holdInProcess } from '../fixtures/lock-process.ts'
import { startCluster, type PostgresCluster } from '../fixtures/postgres-cluster.ts'
import { docker, postgresBinaries, root } from '../fixtures/requirements.ts'

const id = process.pid.toString(36)
const namespace = `rbtest-${id}`
const [inside, outside] = [`rbi${id}`, `rbo${id}`]
const address = `10.${77 + (process.pid % 100)}.${Math.floor(process.pid / 100) % 250}`

const first: LockHolder = {
  run: `20261129-131507-${id}`,
  by: 'anna',
  host: 'host-a',
  since: '2026-11-29T13:15:07.000Z',
}
const second: LockHolder = { ...first, run: `20261129-131510-${id}`, by: 'ben', host: 'host-b' }

/** Two machines are two network namespaces: what cuts the cable says nothing to either side. */
describe.skipIf(!root() || !docker() || !postgresBinaries())('locks of another machine', () => {
  let cluster: PostgresCluster
  const relays: Server[] = []
  const ip = (...words: readonly string[]) => execa('ip', words)
  const locks = locksFor({ clock: systemClock, register: () => undefined, environment: {} })

  const relayTo = async (to: NetConnectOpts): Promise<number> => {
    const relay = createServer((client) => {
      const onwards = connect(to)
      client.on('error', () => onwards.destroy())
      onwards.on('error', () => client.destroy())
      client.pipe(onwards).pipe(client)
    })
    relays.push(relay)
    await new Promise<void>((resolve) => relay.listen(0, `${address}.1`, resolve))
    const bound = relay.address()
    return typeof bound === 'object' && bound !== null ? bound.port : 0
  }
  const database = (host: string, port: number): LockPart => ({
    kind: 'postgres',
    database: {
      engine: 'postgres',
      name: 'shop',
      user: new URL(cluster.url).username,
      via: { kind: 'server', host, port, password: null },
      confirmPhrase: 'restore shop',
      fingerprint: 'rows',
    },
  })
  const service: LockPart = { kind: 'docker', name: `service/rbtest-${id}/web`, what: 'service web' }

  beforeAll(async () => {
    cluster = await startCluster({ settings: [] })
    await ip('netns', 'add', namespace)
    await ip('link', 'add', outside, 'type', 'veth', 'peer', 'name', inside, 'netns', namespace)
    await ip('addr', 'add', `${address}.1/24`, 'dev', outside)
    await ip('link', 'set', outside, 'up')
    await ip('-n', namespace, 'addr', 'add', `${address}.2/24`, 'dev', inside)
    await ip('-n', namespace, 'link', 'set', inside, 'up')
  }, 60_000)
  afterAll(async () => {
    for (const relay of relays) relay.close()
    await execa('ip', ['netns', 'del', namespace], { reject: false })
    await execa('ip', ['link', 'del', outside], { reject: false })
    await cluster?.stop()
    const { stdout } = await execa('docker', [
      'volume',
      'ls',
      '--quiet',
      '--filter',
      `label=runbook.lock.run=${first.run}`,
    ])
    if (stdout !== '') await execa('docker', ['volume', 'rm', ...stdout.split('\n')])
  })

  it('exclude this one while the cable is in, and are free soon after it is cut', async () => {
    const wrapper = ['ip', 'netns', 'exec', namespace]
    const port = await relayTo({ host: '127.0.0.1', port: cluster.port })
    const daemon = await relayTo({ path: '/var/run/docker.sock' })
    const here = database('127.0.0.1', cluster.port)
    const holders = [
      await holdInProcess(database(`${address}.1`, port), first, {}, wrapper),
      await holdInProcess(service, first, { DOCKER_HOST: `tcp://${address}.1:${daemon}` }, wrapper),
    ]
    try {
      for (const part of [here, service])
        expect(await locks.take(part, second)).toEqual({ is: 'held', by: first })
      // Longer than a silent client would be left in peace.
      await systemClock.sleep(12_000)
      for (const part of [here, service]) expect(await locks.look(part)).toEqual({ is: 'held', by: first })

      await ip('link', 'set', outside, 'down')
      const began = performance.now()
      const freeAfter = async (part: LockPart): Promise<number> => {
        await eventually(async () => (await locks.look(part)).is === 'free', 'the lock is free')
        return performance.now() - began
      }
      const [ofServer, ofDaemon] = await Promise.all([freeAfter(here), freeAfter(service)])
      expect(ofServer).toBeLessThan(10_000)
      // Docker 20.10 asks each second, and gives a client ten to answer.
      expect(ofDaemon).toBeLessThan(13_000)
    } finally {
      await Promise.all(holders.map((holder) => holder.kill()))
    }
  }, 120_000)
})
