import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Kill } from '../crash/kill.ts'
import { Scene, sourceOf, whole } from '../crash/scene.ts'
import { testLabel } from '../fixtures/busybox-stack.ts'
import { freePorts } from '../fixtures/free-ports.ts'
import { privateDocker, type PrivateDocker } from '../fixtures/private-docker.ts'
import { docker, root } from '../fixtures/requirements.ts'

const good = '{ "log-opts": { "max-size": "1m" } }\n'
const cutOff = '{ "log-opts": { "max-size": "1m" '
const phrase = 'put back the access of brace'

const compose = (port: number): string => `
services:
  backend:
    image: runbook-test/busybox:1
    ${testLabel}
    init: true
    restart: "no"
    command: ["sh", "-c", "mkdir -p /www/api && echo ok >/www/api/health && exec httpd -f -p 80 -h /www"]
    ports: ["127.0.0.1:${port}:80"]
  db: { image: "runbook-test/busybox:1" }
`

describe.skipIf(!docker() || !root())('auth-rollback --what daemon', () => {
  let engine: PrivateDocker
  /** What `systemctl` speaks to: it lives on when whoever asked it is killed. */
  let manager: Server
  let scene: Scene
  let port: number

  const configOf =
    (restart: string) =>
    (folder: string): string =>
      `
import { defineConfig } from ${sourceOf('src/index.ts')}
import { brace } from ${sourceOf('targets/brace.ts')}
const daemon = { file: '${engine.settings}', pidFile: '${engine.pidFile}', restart: [process.execPath, '-e', ${JSON.stringify(restart)}], within: '20s' }
const { health: [backend], ...shipped } = brace({ root: '${folder}', composeFiles: ['compose.yml'], project: 'access', daemon, backendUrl: 'http://127.0.0.1:${port}', patience: { passes: 1, every: '200ms', within: '20s' } })
export default defineConfig({
  artifacts: './artifacts', state: './state', runbooks: [],
  targets: { brace: { ...shipped, health: [backend], access: { ...shipped.access, services: ['backend'] } } },
})
`
  const roll = (more: readonly string[] = [], kill: Kill | null = null) =>
    scene.type(['run', 'auth-rollback', '--what', 'daemon', '--confirm', phrase, ...more], kill)
  const answers = async (): Promise<boolean> =>
    (await execa('docker', ['version'], { env: { DOCKER_HOST: engine.host }, reject: false })).exitCode === 0
  const serves = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/api/health`).then(
      ({ ok }) => ok,
      () => false,
    )
  const world = async () => {
    const { mode, uid, gid } = await stat(engine.settings)
    return {
      body: await readFile(engine.settings, 'utf8'),
      mode: mode & 0o777,
      uid,
      gid,
      answers: await answers(),
      beside: (await readdir(dirname(engine.settings))).filter((name) => name.startsWith('daemon.json')),
    }
  }

  beforeAll(async () => {
    engine = await privateDocker(['runbook-test/busybox:1'])
    port = (await freePorts(1))[0] ?? 0
    manager = createServer(
      (_, response) => void engine.restart().then((up) => response.writeHead(up ? 200 : 500).end()),
    )
    await new Promise<void>((resolve) => manager.listen(0, '127.0.0.1', resolve))
    const restart = `fetch('http://127.0.0.1:${(manager.address() as AddressInfo).port}').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(2))`
    scene = await Scene.make(null, configOf(restart), {
      DOCKER_HOST: engine.host,
      BRACE_DB_PASSWORD: 'unused',
      RUNBOOK_TEST_RUN: process.env['RUNBOOK_TEST_RUN'] ?? 'by-hand',
    })
    await writeFile(scene.path('compose.yml'), compose(port))
    await execa(
      'docker',
      [
        'compose',
        '--project-name',
        'access',
        '--file',
        scene.path('compose.yml'),
        'up',
        '--detach',
        'backend',
      ],
      { env: { DOCKER_HOST: engine.host } },
    )
  }, 120_000)
  afterAll(async () => {
    manager?.close()
    await engine?.[Symbol.asyncDispose]()
    await scene?.[Symbol.asyncDispose]()
  }, 60_000)

  /** An edit after which the restart failed: Docker is down, and so is all that ran in it. */
  beforeEach(async () => {
    for (const name of (await world()).beside)
      if (name !== 'daemon.json') await rm(join(dirname(engine.settings), name))
    await writeFile(`${engine.settings}.bak`, good)
    await writeFile(engine.settings, cutOff, { mode: 0o640 })
    expect(await engine.restart()).toBe(false)
  }, 60_000)

  it('a dry run changes nothing, and needs no Docker', async () => {
    const before = await world()
    const finished = await roll(['--dry-run'])
    expect(finished.code, whole(finished)).toBe(0)
    expect(await world()).toEqual(before)
  }, 60_000)

  it('Docker answers again, what ran in it is started, and the present file is kept', async () => {
    expect(await answers()).toBe(false)
    const finished = await roll()
    expect(finished.code, whole(finished)).toBe(0)
    const after = await world()
    expect(after).toMatchObject({ body: good, answers: true })
    expect(
      await readFile(
        join(dirname(engine.settings), after.beside.find((name) => name.includes('.before-')) ?? ''),
        'utf8',
      ),
    ).toBe(cutOff)
    expect(await serves()).toBe(true)
    expect(whole(finished)).toContain('was only validated as JSON')
  }, 90_000)

  it('settings that Docker does not accept either are taken back to the byte', async () => {
    await writeFile(`${engine.settings}.bak`, '{ "no-such-setting": true }\n')
    const before = await world()
    const finished = await roll()
    expect(finished.code, whole(finished)).toBe(10)
    expect(await world()).toEqual(before)
  }, 90_000)

  const restarting = 'restart-docker-and-see-that-it-answers'
  const kills: readonly (readonly [string, Kill, 'resume' | 'rollback'])[] = [
    ['mid-effect', { when: 'during', type: 'spawned', step: restarting, wait: 300 }, 'rollback'],
    ['after effect', { when: 'before', type: 'ended', step: restarting }, 'resume'],
    ['after outcome', { when: 'after', type: 'ended', step: restarting }, 'rollback'],
  ]
  it.each(kills)(
    'killed at the restart, %s: %j, then %s, with Docker down or up',
    async (_, kill, way) => {
      const before = await world()
      const died = await roll([], kill)
      expect(died.signal, whole(died)).toBe('SIGKILL')
      const finished = await scene.type(way === 'resume' ? ['resume', '--confirm', phrase] : ['rollback'])
      expect(finished.code, whole(finished)).toBe(0)
      if (way === 'rollback') expect(await world()).toEqual(before)
      else expect([(await world()).body, await answers(), await serves()]).toEqual([good, true, true])
    },
    90_000,
  )
})
