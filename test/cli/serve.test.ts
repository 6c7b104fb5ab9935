import { mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { jsonLines, Project, type Running } from '../fixtures/cli.ts'
import { eventually } from '../fixtures/eventually.ts'

const bearer = 'CANARY"bearer<'
/** Whoever writes a runbook can put the value of a secret into its texts. */
const described = `
import { param, runbook } from 'runbook'
const known = process.env.HBEARER ?? ''
export default runbook('described', { title: 'Described', when: 'Somebody needs ' + known,
  params: { why: param.text('A text, such as ' + known).default('x') } }, () => undefined)
`
/** Tries to act wherever it may only look. */
const careless = `
import { defineStep, runbook } from 'runbook'
const act = async (io, folder) => {
  for (const [port, method, ...args] of [['files', 'write', folder + '/acted', 'x'], ['commands', 'run', { argv: ['touch', folder + '/acted'] }]])
    await io[port]?.[method]?.(...args)
  if (io.files.write !== undefined || io.commands.run !== undefined) throw new Error('it could act')
  return { could: 'not act' }
}
const careless = defineStep({ kind: 'test.careless', version: 1, effect: 'change',
  describe: () => 'Acts while it looks.',
  survey: async (look, { folder }) => ({ ...(await act(look, folder)), beside: look.run.evidence }),
  predict: ({ before }) => ({ output: null, changes: ['it could ' + before?.could, 'beside ' + before?.beside] }),
  run: async () => null, probe: async () => ({ is: 'absent' }), undo: async () => undefined })
const asking = defineStep({ kind: 'test.asking', version: 1, effect: 'observe',
  describe: () => 'Looks, and tries to act.', run: (io, { folder }) => act(io, folder) })
export default runbook('careless', { title: 'Careless', when: 'A test.', needs: ['staging'], params: {} },
  ({ step, target }) => {
    step('Ask', asking({ folder: target.staging }))
    step('Act', careless({ folder: target.staging }))
  })
`

let project: Project
let server: Running
let address: string
let link: string
let cookie: string
let run: string

beforeAll(async () => {
  project = await Project.make()
  const { out } = await project.run(['run', 'three-files', '--json'])
  const config = project.path('runbook.config.ts')
  const text = (await readFile(config, 'utf8')).replace('defineConfig }', 'defineConfig, secret }')
  const watched = `metrics: { url: 'http://127.0.0.1:9/', bearer: secret('HBEARER') }`
  await writeFile(config, text.replace('bare: {', `bare: { ${watched},`))
  await writeFile(project.path('runbooks/described.ts'), described)
  await writeFile(project.path('runbooks/careless.ts'), careless)
  run = String(jsonLines(out).at(-1)?.['run'])
  server = project.start(['serve', '--port', '0'], { HBEARER: bearer })
  await eventually(() => server.out.endsWith('\n'), 'it prints its link')
  link = server.out.trim()
  address = new URL(link).origin
  const opened = await fetch(link, { redirect: 'manual' })
  cookie = (opened.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
})
afterAll(async () => {
  server.child.kill('SIGKILL')
  await server.ended
  await project[Symbol.asyncDispose]()
})

async function get(path: string, headers: Record<string, string> = { cookie }) {
  const response = await fetch(`${address}${path}`, { headers })
  return { status: response.status, body: await response.text() }
}

/** With the path as it is: `fetch` resolves dots by itself. */
const status = (path: string): Promise<number> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(address)
    request({ hostname, port, path, headers: { cookie } }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
      .on('error', reject)
      .end()
  })

test('prints one line, a link to this machine that works once', async () => {
  expect(link).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}$/)
  expect((await get('/', {})).status).toBe(401)
  expect((await fetch(link)).status).toBe(401)
  await server.shows('Opened in a browser. For another one: http://127.0.0.1:')
  expect(server.err).not.toContain(link)
})

test('the overview names every target and what protects it', async () => {
  const { status, body } = await get('/')
  expect(status).toBe(200)
  expect(body).toContain('<a href="/targets/here">A folder</a> (here)')
  expect(body).toContain('<a href="/targets/bare">bare</a>')
  expect(body).toContain('No place of backups is configured.')
  expect(body).toContain('No run is open.')
})

test('no page has the value of a secret, however it is escaped there', async () => {
  for (const path of ['/', '/targets/here', '/targets/here/runbooks/described', '/targets/bare'])
    expect((await get(path)).body, path).not.toContain('CANARY')
  expect((await get('/targets/here')).body).toContain('Somebody needs [redacted:HBEARER]')
})

test('a target has its history and its runbooks', async () => {
  const { body } = await get('/targets/here')
  expect(body).toContain(`<a href="/runs/${run}"><code>${run}</code></a>`)
  expect(body).toContain('<a href="/targets/here/runbooks/three-files">three-files</a>')
  expect(body).toContain('>Recovery time</th>')
  expect((await get('/targets/here?runbook=approved')).body).toContain('No run yet.')
  expect((await get('/targets/nothing')).status).toBe(404)
})

test('a target says what the doctor found last, and who holds its locks', async () => {
  expect((await get('/targets/here')).body).toContain('It has not run here, as far as is known')
  const { out } = await project.run(['doctor', '--target', 'here', '--json'])
  const { problems } = jsonLines(out).at(-1) as { readonly problems: number }
  const { body } = await get('/targets/here')
  expect(body).toContain(problems === 0 ? 'No problems found; ' : `<strong>${problems} problem`)
  expect(body).toMatch(
    /ago \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\)\. Look again: <code>runbook doctor --target here/,
  )
  await eventually(
    async () => (await get('/targets/here')).body.includes('It names nothing that is locked.'),
    'the locks are looked at',
  )
  expect((await get('/targets/bare')).body).toContain('It has not run here, as far as is known')
})

test('a runbook is a document and a graph', async () => {
  const { body } = await get('/targets/here/runbooks/three-files')
  expect(body).toContain('runbook run three-files --target here --dry-run')
  expect(body).toContain('<strong>Write one</strong>')
  expect(body).toContain('Latest dry run: none on this target')
  expect(body).toMatch(/Latest run: <a href="\/runs\/[^"]+"><code>[^<]+<\/code><\/a> on [^<]* UTC: succeeded/)
  expect((await get('/targets/here/runbooks/three-files/graph')).body).toMatch(/^flowchart TD\n/)
  for (const path of ['/targets/here/runbooks/nothing', '/targets/here/runbooks/restore-test'])
    expect((await get(path)).status).toBe(404)
})

describe('a dry run', () => {
  const everything = async () => ({
    world: (await readdir(project.path('world'), { recursive: true })).sort(),
    evidence: (await readdir(project.path('artifacts'), { recursive: true })).sort(),
    runs: (await project.run(['history', '--all', '--json'])).out,
  })

  test('says what the command says, and leaves nothing', async () => {
    expect((await get('/targets/here/runbooks/three-files')).body).toContain(
      '<a href="/targets/here/runbooks/three-files/dry-run">Dry run now</a>',
    )
    const before = await everything()
    const { status, body } = await get('/targets/here/runbooks/three-files/dry-run')
    expect(status).toBe(200)
    expect(body).toContain('<h1>Dry run of Three files</h1>')
    expect(body).toContain('Nothing was changed, and nothing was recorded.')
    expect(body).toContain('<pre>runbook run three-files --target here --dry-run</pre>')
    expect(await everything()).toEqual(before)
    const { out } = await project.run(['run', 'three-files', '--dry-run'])
    const changes = [...out.matchAll(/^  - (.*)$/gm)].map(([, text]) => text)
    expect([...body.matchAll(/<li>([^<]*)<\/li>/g)].map(([, text]) => text)).toEqual(
      expect.arrayContaining(changes),
    )
    expect(changes.length).toBeGreaterThan(0)
  })

  test('has nothing to act with, whatever a step tries', async () => {
    const before = await everything()
    const { status, body } = await get('/targets/here/runbooks/careless/dry-run')
    expect(status).toBe(200)
    expect(body).toContain('<li>it could not act</li>')
    expect(body).toContain(`<li>beside ${project.path('artifacts/_/')}`)
    expect(body).not.toContain('>Blockers</h2>')
    expect(await everything()).toEqual(before)
  })

  test('masks secrets, and is made only of what fits the target', async () => {
    expect((await get('/targets/here/runbooks/described/dry-run')).body).not.toContain('CANARY')
    for (const path of [
      'here/runbooks/nothing',
      'here/runbooks/restore-test',
      'nothing/runbooks/three-files',
    ])
      expect((await get(`/targets/${path}/dry-run`)).status).toBe(404)
    expect((await get('/targets/here/runbooks/three-files/dry-run', {})).status).toBe(401)
  })
})

describe('a run', () => {
  test('is shown as in its report', async () => {
    const { body } = await get(`/runs/${run}`)
    expect(body).toContain('<h1>Three files: succeeded</h1>')
    expect(body).toContain('>Timeline</h2>')
    expect(body).not.toContain('<script')
    expect((await get('/runs/nothing')).status).toBe(404)
    // An address names one run, today and later.
    expect((await get(`/runs/${run.slice(0, -1)}`)).status).toBe(404)
  })

  test('has evidence, whose files are served as they are', async () => {
    const { body } = await get(`/runs/${run}/evidence`)
    expect(body).toContain('<strong>It verifies</strong>')
    expect(body).toContain(`<a href="/runs/${run}/evidence/logs/02-write-one.log">`)
    expect((await get(`/runs/${run}/evidence/logs/02-write-one.log`)).body).toContain('writing ')
    expect((await get(`/runs/${run}/evidence/report.html`)).body).toMatch(/^<!doctype html>/)
    const record = JSON.parse((await get(`/runs/${run}/evidence/run.json`)).body) as { run: string }
    expect(record.run).toBe(run)
  })

  test('an empty file is served', async () => {
    const [folder = ''] = await readdir(project.path('artifacts/_'))
    await writeFile(project.path(`artifacts/_/${folder}/logs/empty.log`), '')
    expect(await get(`/runs/${run}/evidence/logs/empty.log`)).toEqual({ status: 200, body: '' })
    await rm(project.path(`artifacts/_/${folder}/logs/empty.log`))
  })

  test('nothing outside its evidence is served', async () => {
    for (const path of [
      '../../../runbook.config.ts',
      '..%2f..%2f..%2frunbook.config.ts',
      'logs/../../../../runbook.config.ts',
      'logs',
      '',
      '/etc/passwd',
      'logs%00',
      'logs/02-write-one.log/',
    ])
      expect(await status(`/runs/${run}/evidence/${path}`), path).toBe(404)
  })

  test('a defect of its evidence is shown, and a link in the folder is not followed', async () => {
    const { out } = await project.run(['run', 'three-files', '--json'])
    const other = String(jsonLines(out).at(-1)?.['run'])
    const folder = project.path(
      `artifacts/_/${(await readdir(project.path('artifacts/_'))).find((name) => name.endsWith(other)) ?? ''}`,
    )
    await symlink(project.path('runbook.config.ts'), `${folder}/config.ts`)
    await mkdir(`${folder}/<b>`)
    await writeFile(`${folder}/<b>/<script>alert(1)<.txt`, 'hello')
    const { body } = await get(`/runs/${other}/evidence`)
    expect(body).toContain('<strong>It does not verify.</strong>')
    expect(body).toContain('&lt;b&gt;/&lt;script&gt;alert(1)&lt;.txt')
    expect(body).not.toContain('<script')
    expect((await get(`/runs/${other}/evidence/config.ts`)).status).toBe(404)
    const name = ['<b>', '<script>alert(1)<.txt'].map(encodeURIComponent).join('/')
    expect((await get(`/runs/${other}/evidence/${name}`)).body).toBe('hello')
  })
})

test('an open run is shown as it stands, and followed until it is over', async () => {
  const running = project.start(['run', 'three-files', '--wait-for', 'go'])
  let id = ''
  await eventually(async () => {
    const { body } = await get('/')
    id =
      /<a href="\/runs\/([^"]+)"><code>[^<]+<\/code><\/a> three-files.*<strong>running/.exec(body)?.[1] ?? ''
    return id !== ''
  }, 'it is listed')
  await eventually(
    async () => /<td>Wait<\/td><td><strong>in progress/.test((await get(`/runs/${id}`)).body),
    'its step is shown',
  )
  expect((await get(`/runs/${id}`)).body).toContain('new EventSource')
  const events = await fetch(`${address}/runs/${id}/events`, { headers: { cookie } })
  const parts: string[] = []
  for await (const part of events.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    // The run ends only once it was seen.
    if (parts.length === 0) await writeFile(project.path('world/go'), '')
    parts.push(part)
  }
  expect(parts.join('')).toMatch(/^event: state\ndata: <p><strong>Running<\/strong>: pid \d+ of /)
  expect(parts.join('')).toMatch(/event: over\ndata: \n\n$/)
  expect((await running.ended).code).toBe(0)
  expect((await get(`/runs/${id}`)).body).not.toContain('<script')
})

test('metrics are read by a program with a token of its own', async () => {
  const token = 'a-token-of-a-scraper'
  const other = project.start(['serve', '--port', '0', '--metrics-token', 'env:SCRAPER'], { SCRAPER: token })
  await eventually(() => other.out.endsWith('\n'), 'it prints its link')
  const { origin } = new URL(other.out.trim())
  const asked = async (authorization: string) => {
    const response = await fetch(`${origin}/metrics`, { headers: { authorization } })
    return { status: response.status, body: await response.text() }
  }
  const { body } = await asked(`Bearer ${token}`)
  other.child.kill('SIGTERM')
  expect((await other.ended).code).toBe(0)
  expect(body).toContain('# TYPE runbook_protection_last_look_timestamp_seconds gauge\n')
  expect(body).toContain('runbook_open_runs{target="here"} 0\n')
  expect(body).toMatch(/runbook_runs\{target="here",runbook="three-files",outcome="succeeded"\} \d\n/)
  expect(body).toContain('runbook_last_run_succeeded{target="here",runbook="three-files"} 1\n')
  expect(body).toContain('runbook_objective_rto_seconds{target="here"} 900\n')
  // Nothing was down, so no downtime was measured, and zero would be a measurement.
  expect(body).not.toContain('runbook_last_run_rpo_seconds')
})

test.each([
  [['--metrics-token', 'in-plain-sight-123456'], 2, 'from the command line'],
  [['--metrics-token', 'env:NOT_SET'], 3, 'NOT_SET is not set'],
  [['--metrics-token', 'env:SHORT'], 2, 'at least 16 printable ASCII characters'],
  [['--port', 'x'], 2, "'x' is invalid. It is not a port"],
  [['--port', '65536'], 2, 'It is not a port'],
  [['--host', '192.0.2.1', '--port', '0'], 2, 'this machine does not have that address'],
  [['--target', 'here'], 2, "unknown option '--target'"],
])('refuses %j', async (args, exit, says) => {
  const { code, out, err } = await project.run(['serve', ...args], { SHORT: 'ten-letters' })
  expect([code, out]).toEqual([exit, ''])
  expect(err).toContain(says)
})

test.each(['SIGINT', 'SIGTERM'] as const)('%s ends it, with its streams', async (signal) => {
  const other = project.start(['serve', '--port', '0'])
  await eventually(() => other.out.endsWith('\n'), 'it prints its link')
  other.child.kill(signal)
  const { code, out, err } = await other.ended
  expect(code).toBe(0)
  expect(out.split('\n')).toHaveLength(2)
  expect(err).toMatch(/Stopped\.\n$/)
})
