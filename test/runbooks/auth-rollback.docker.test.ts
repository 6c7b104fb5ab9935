import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { deadly, type Kill } from '../crash/kill.ts'
import { PASSWORDS } from '../fixtures/compose-stack.ts'
import { eventually } from '../fixtures/eventually.ts'
import { docker } from '../fixtures/requirements.ts'
import { openShop, type Shop } from '../fixtures/shop.ts'
import type { Finished } from '../fixtures/typed.ts'

const root = join(import.meta.dirname, '..', '..')
const data = '/var/lib/postgresql/data'
const file = `${data}/pg_hba.conf`

/** The target as it is shipped, on the test's own stack and ports, and without the services that write all the time. */
const configuration = ({ stack }: Shop): string => `
import { defineConfig } from ${JSON.stringify(join(root, 'src', 'index.ts'))}
import { brace } from ${JSON.stringify(join(root, 'targets', 'brace.ts'))}
const shipped = brace({
  root: ${JSON.stringify(stack.dir)}, composeFiles: ['compose.yml'], envFiles: ['.env'], project: ${JSON.stringify(stack.project)}, database: 'brace',
  backendUrl: 'http://127.0.0.1:${stack.ports.backend}', frontendUrl: 'http://127.0.0.1:${stack.ports.frontend}', patience: { passes: 1, every: '200ms', within: '20s' },
})
const of = (within: string) => ({ ...shipped, access: { ...shipped.access, pgHba: { ...shipped.access.pgHba, within }, services: ['db', 'backend', 'frontend'] } })
export default defineConfig({
  runbooks: [], artifacts: './artifacts', state: './state',
  targets: { brace: of('3s'), patient: of('30s') },
})
`

describe.skipIf(!docker())('auth-rollback --target brace', () => {
  let shop: Shop
  let rules: string
  const locked = '# nobody at all, not even by the socket\nlocal all all reject\nhost all all all reject\n'
  const whole = ({ code, signal, stdout, stderr }: Finished): string =>
    `exit ${code ?? signal}\n${stdout}\n${stderr}`

  const type = (args: readonly string[], kill: Kill | null = null): Promise<Finished> =>
    shop.type(args, {
      env: {
        BRACE_DB_PASSWORD: PASSWORDS.brace_user,
        RUNBOOK_TEST_RUN: process.env['RUNBOOK_TEST_RUN'] ?? 'by-hand',
        ...deadly(kill).env,
      },
      node: deadly(kill).node,
    })
  const roll = (
    what: string,
    more: readonly string[] = [],
    kill: Kill | null = null,
    target = 'brace',
  ): Promise<Finished> =>
    type(
      [
        'run',
        'auth-rollback',
        '--target',
        target,
        '--what',
        what,
        '--confirm',
        `put back the access of ${target}`,
        ...more,
      ],
      kill,
    )

  const inside = async (script: string, input = ''): Promise<string> => {
    const { stdout } = await execa(
      'docker',
      ['exec', '--interactive', String(await shop.stack.containerId('db')), 'sh', '-c', script],
      { input, stripFinalNewline: false },
    )
    return stdout
  }
  const lay = (path: string, text: string): Promise<string> =>
    inside(`cat >${path}; chown postgres:postgres ${path}; chmod 600 ${path}`, text)
  const reload = (): Promise<string> => inside(`kill -HUP "$(head -n 1 ${data}/postmaster.pid)"`)
  const letIn = (): Promise<boolean> =>
    shop.stack.sql('select 1', { role: 'brace_user' }).then(
      () => true,
      () => false,
    )
  /** Bytes, owner and mode of the file, what lies beside it, whether the application is let in, and since when which containers run. */
  const world = async () => ({
    body: await inside(`cat ${file}`),
    facts: await inside(`stat -c '%u %g %a' ${file}`),
    beside: await beside(),
    letIn: await letIn(),
    compose: await readFile(shop.stack.composeFile, 'utf8'),
    services: await Promise.all(['db', 'backend', 'frontend'].map((name) => shop.stack.containerId(name))),
    folder: (await readdir(shop.stack.dir)).filter((name) => name.startsWith('compose')),
  })
  const beside = async (): Promise<readonly string[]> =>
    (await inside(`ls -A ${data}`)).split('\n').filter((name) => name.includes('pg_hba'))
  const leftovers = async (): Promise<string> =>
    (
      await execa('docker', [
        'ps',
        '--all',
        '--quiet',
        '--filter',
        'label=runbook.run',
        '--filter',
        `name=${shop.stack.project}`,
      ])
    ).stdout

  const lockOut = async (text = locked): Promise<void> => {
    await inside(`rm -f ${file}.*`)
    await lay(`${file}.bak`, rules)
    await lay(file, text)
    await reload()
    await eventually(async () => !(await letIn()), 'the application is locked out')
  }

  beforeAll(async () => {
    shop = await openShop({ services: ['db', 'backend', 'frontend'], healthEvery: '1s' })
    await writeFile(join(shop.stack.dir, 'runbook.config.ts'), configuration(shop), { mode: 0o600 })
    rules = await inside(`cat ${file}`)
  }, 120_000)
  afterAll(() => shop[Symbol.asyncDispose]())

  describe('pg_hba.conf that rejects everybody', () => {
    beforeEach(() => lockOut(), 30_000)

    it('a dry run changes nothing, and says what would be put where', async () => {
      const before = await world()
      const finished = await roll('pg-hba', ['--dry-run'])
      expect(finished.code, whole(finished)).toBe(0)
      expect(whole(finished)).toContain(`${file} has the contents of ${file}.bak`)
      expect(await world()).toEqual(before)
    }, 60_000)

    it('brings logins back, without ending the server, and keeps the present file', async () => {
      await expect(shop.stack.sql('select 1')).rejects.toThrow(/pg_hba.conf rejects/)
      const before = await world()
      const finished = await roll('pg-hba')
      expect(finished.code, whole(finished)).toBe(0)
      const after = await world()
      expect(after).toMatchObject({
        body: rules,
        facts: before.facts,
        letIn: true,
        services: before.services,
      })
      const [kept = ''] = after.beside.filter((name) => name.includes('.before-'))
      expect(await inside(`cat ${data}/${kept}; stat -c '%u %g %a' ${data}/${kept}`)).toBe(
        `${locked}${before.facts}`,
      )
      expect([(await shop.stack.get('/api/health')).status, await leftovers()]).toEqual([200, ''])
      const told = await execa(
        'grep',
        ['-r', PASSWORDS.brace_user, join(shop.stack.dir, 'artifacts'), join(shop.stack.dir, 'state')],
        { reject: false },
      )
      expect(told.stdout).toBe('')
    }, 60_000)

    it('a copy that lets the application in as little is taken back to the byte, and Postgres goes by the present rules', async () => {
      await lay(`${file}.bak`, 'local all all trust\n')
      const before = await world()
      const finished = await roll('pg-hba')
      expect(finished.code, whole(finished)).toBe(10)
      expect(whole(finished)).toContain('cannot log in as brace_user at db')
      expect(await world()).toEqual(before)
      await expect(shop.stack.sql('select 1')).rejects.toThrow(/pg_hba.conf rejects/)
      expect(await leftovers()).toBe('')
    }, 60_000)

    it('a copy that Postgres cannot read is never put in place', async () => {
      await lay(`${file}.broken`, 'local all all trust\nhost all all all nonsense\n')
      const before = await world()
      const finished = await roll('pg-hba', ['--from', 'pg_hba.conf.broken'])
      expect(finished.code, whole(finished)).toBe(14)
      expect(await world()).toEqual(before)
    }, 60_000)

    const put = 'put-it-in-place-and-keep-the-present-pg-hba-conf'
    const kills: readonly (readonly [string, Kill, 'resume' | 'rollback'])[] = [
      ['mid-effect', { when: 'during', type: 'intent', step: put, wait: 600 }, 'resume'],
      ['after effect', { when: 'before', type: 'ended', step: put }, 'rollback'],
    ]
    it.each(kills)(
      'killed %s: %j, then %s',
      async (_, kill, way) => {
        const before = await world()
        const died = await roll('pg-hba', [], kill)
        expect(died.signal, whole(died)).toBe('SIGKILL')
        const finished = await type(
          way === 'resume' ? ['resume', '--confirm', 'put back the access of brace'] : ['rollback'],
        )
        expect(finished.code, whole(finished)).toBe(0)
        if (way === 'rollback') expect(await world()).toEqual(before)
        else
          expect(await world()).toMatchObject({
            body: rules,
            facts: before.facts,
            letIn: true,
            services: before.services,
          })
        expect(await leftovers()).toBe('')
      },
      90_000,
    )
  })

  it('starts a Postgres that does not come up with its rules', async () => {
    await lockOut()
    await lay(file, 'host all all nonsense\n')
    await shop.stack.compose('kill', 'db')
    await shop.stack.compose('up', '--detach', 'db')
    const state = async (): Promise<string> =>
      (
        await execa('docker', [
          'inspect',
          '--format',
          '{{.State.Status}}',
          String(await shop.stack.containerId('db')),
        ])
      ).stdout
    await eventually(async () => ['restarting', 'exited'].includes(await state()), 'Postgres does not start')
    const finished = await roll('pg-hba', [], null, 'patient')
    expect(finished.code, whole(finished)).toBe(0)
    expect([await inside(`cat ${file}`), await letIn()]).toEqual([rules, true])
  }, 60_000)

  describe('Compose file', () => {
    let good: string
    beforeAll(async () => {
      good = await readFile(shop.stack.composeFile, 'utf8')
      await inside(`rm -f ${file}.*`)
    })
    beforeEach(async () => {
      for (const name of (await readdir(shop.stack.dir)).filter((one) => one.startsWith('compose.yml.')))
        await rm(join(shop.stack.dir, name))
      await writeFile(`${shop.stack.composeFile}.bak`, good)
      await writeFile(
        shop.stack.composeFile,
        good.replace(
          '["httpd", "-f", "-p", "80", "-h", "/www"]',
          '["httpd", "-f", "-p", "81", "-h", "/www"]',
        ),
      )
      await shop.stack.compose('up', '--detach', 'frontend')
    }, 60_000)

    it('is put back, what differs is made anew, and the frontend loads', async () => {
      const before = await world()
      const finished = await roll('compose')
      expect(finished.code, whole(finished)).toBe(0)
      const after = await world()
      expect(after).toMatchObject({
        compose: good,
        services: [
          before.services[0],
          before.services[1],
          expect.not.stringMatching(String(before.services[2])),
        ],
      })
      expect((await stat(shop.stack.composeFile)).mode & 0o777).toBe(0o644)
      expect(
        await readFile(
          join(shop.stack.dir, after.folder.find((name) => name.includes('.before-')) ?? ''),
          'utf8',
        ),
      ).toBe(before.compose)
      expect((await fetch(`http://127.0.0.1:${shop.stack.ports.frontend}/`)).status).toBe(200)
    }, 60_000)

    it('is put back over one that Compose cannot read at all', async () => {
      await writeFile(
        shop.stack.composeFile,
        good.replace('    image: runbook-test/busybox:1', '    imago: runbook-test/busybox:1'),
      )
      const finished = await roll('compose')
      expect(finished.code, whole(finished)).toBe(0)
      expect((await world()).compose).toBe(good)
    }, 60_000)

    it('a copy that cannot be brought up is taken back, and the frontend is made as before', async () => {
      await writeFile(
        `${shop.stack.composeFile}.bak`,
        good.replaceAll('runbook-test/busybox:1', 'runbook-test/no-such-image:1'),
      )
      const {
        services: [, , was],
        ...before
      } = await world()
      const finished = await roll('compose')
      expect(finished.code, whole(finished)).toBe(10)
      const {
        services: [, , now],
        ...after
      } = await world()
      expect(after).toEqual(before)
      expect(now).toBe(was)
    }, 60_000)

    it('a copy that Compose cannot read is never put in place', async () => {
      await writeFile(
        `${shop.stack.composeFile}.bak`,
        'services: { db: { imago: x }, backend: {}, frontend: {} }\n',
      )
      const before = await world()
      const finished = await roll('compose')
      expect(finished.code, whole(finished)).not.toBe(0)
      expect(await world()).toEqual(before)
    }, 60_000)
  })
})
