import { readFile, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { jsonLines, Project } from '../fixtures/cli.ts'

let project: Project
let server: Server
let status: number
const posted: unknown[] = []
beforeEach(async () => {
  project = await Project.make()
  status = 200
  posted.length = 0
  server = createServer((request, response) => {
    void json(request).then((body) => {
      posted.push(body)
      response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await project[Symbol.asyncDispose]()
})

async function configure(): Promise<void> {
  const file = project.path('runbook.config.ts')
  const { port } = server.address() as AddressInfo
  const news = `news: [
    { by: 'webhook', name: 'chat', url: 'http://127.0.0.1:${port}/', format: 'discord' },
    { by: 'command', command: ['sh', '-c', 'printf %s "$NEWS_TITLE" > told'] }]`
  const config = await readFile(file, 'utf8')
  await writeFile(file, config.replace('settings: {} },\n  },', `operators: { ${news} } },\n  },`))
}

test('a test message goes to every channel, and what came of it is said', async () => {
  await configure()
  const { code, out, err } = await project.run(['operators', 'test'])
  expect([code, err]).toEqual([0, ''])
  expect(out).toMatch(/^\w+ {2}chat {2}accepted\n\w+ {2}command-2 {2}accepted\n$/)
  expect(posted).toEqual([
    { content: expect.stringMatching(/^This is a test of the news/), allowed_mentions: { parse: [] } },
  ])
  expect(await readFile(project.path('told'), 'utf8')).toMatch(/^Test: runbook on /)
})

test('a channel that does not accept it is named, and the command fails', async () => {
  await configure()
  status = 401
  const { code, out, err } = await project.run(['operators', 'test', '--json'])
  expect(code).toBe(3)
  expect(err + out).toContain('1 of 2 channels did not accept the test message: chat')
  expect(jsonLines(out).slice(0, 2)).toMatchObject([
    { event: 'channel', channel: 'chat', by: 'webhook', problem: 'the webhook answered 401' },
    { event: 'channel', channel: 'command-2', problem: null },
  ])
})

test('without a channel there is nothing to test', async () => {
  const { code, err } = await project.run(['operators', 'test'])
  expect(code).toBe(2)
  expect(err).toContain('no channel is configured')
})
