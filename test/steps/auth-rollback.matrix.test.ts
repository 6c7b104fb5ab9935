import { describe, expect, it } from 'vitest'
import book from '../../runbooks/auth-rollback.ts'
import type { JsonObject } from '../../src/kernel/json.ts'
import { fakeMachine, nobody, type FakeWorld } from '../../src/testing/index.ts'
import { provesItself } from '../fixtures/matrix.ts'
import { braceAccess, composed, edited, files, rules, settings, textOf } from './fake-access.ts'

const common = {
  book,
  target: braceAccess,
  records: ['/artifacts/checklist.md', files.pid],
  dated: (path: string) => path === files.pid,
}
const pgHbaOf = (world: FakeWorld, name = files.pgHba as string) => world.volumes.get('db')?.get(name)
const keptOf = (world: FakeWorld, file: string): readonly string[] =>
  [...world.disk.files.keys(), ...(world.volumes.get('db')?.keys() ?? [])].filter((path) =>
    path.startsWith(`${file}.before-`),
  )
const running = (world: FakeWorld): readonly string[] =>
  [...world.fleet.services].flatMap(([name, { instance }]) => (instance?.state === 'running' ? [name] : []))

provesItself({
  ...common,
  name: 'auth-rollback of a pg_hba.conf that rejects everybody',
  params: { what: 'pg-hba', from: null },
  world: () => edited({ pgHba: rules.bad }),
  succeeded: (world) => {
    expect(pgHbaOf(world)).toMatchObject({ uid: 999, gid: 999, mode: 0o600 })
    expect(textOf(pgHbaOf(world)?.body)).toBe(rules.good)
    const [kept = ''] = keptOf(world, files.pgHba)
    expect([textOf(pgHbaOf(world, kept)?.body), pgHbaOf(world, kept)?.mode]).toEqual([rules.bad, 0o600])
    expect(world.server.doorkeeper?.admits('brace_user')).toBe(true)
  },
})

provesItself({
  ...common,
  name: 'auth-rollback of a pg_hba.conf with which Postgres does not start',
  params: { what: 'pg-hba', from: null },
  world: () => edited({ pgHba: rules.broken, database: 'stopped' }),
  succeeded: (world) => {
    expect([textOf(pgHbaOf(world)?.body), running(world)]).toEqual([rules.good, ['db', 'backend']])
    expect(world.server.doorkeeper?.admits('brace_user')).toBe(true)
  },
})

provesItself({
  ...common,
  name: 'auth-rollback of a daemon.json that Docker does not accept',
  params: { what: 'daemon', from: null },
  world: () => edited({ daemon: settings.bad }),
  succeeded: (world) => {
    expect([textOf(world.disk.files.get(files.daemon)), running(world)]).toEqual([
      settings.good,
      ['db', 'backend'],
    ])
    expect(keptOf(world, files.daemon).map((path) => textOf(world.disk.files.get(path)))).toEqual([
      settings.bad,
    ])
  },
})

provesItself({
  ...common,
  name: 'auth-rollback of a Compose file',
  params: { what: 'compose', from: null },
  world: () => edited({ compose: composed.bad }),
  succeeded: (world) => {
    expect([textOf(world.disk.files.get(files.compose)), running(world)]).toEqual([
      composed.good,
      ['db', 'backend'],
    ])
    expect(world.fleet.services.get('backend')?.instance?.image).toBe('brace:1')
    expect(keptOf(world, files.compose).map((path) => textOf(world.disk.files.get(path)))).toEqual([
      composed.bad,
    ])
  },
})

/** All but what is written whatever happens. */
const stateOf = (world: FakeWorld) => {
  const { files: all, ...rest } = world.state() as { readonly files: JsonObject }
  return {
    ...rest,
    files: Object.fromEntries(Object.entries(all).filter(([path]) => path !== '/artifacts/checklist.md')),
  }
}

type Given = { readonly what: 'pg-hba' | 'daemon' | 'compose'; readonly from?: string }

const run = async (world: FakeWorld, { what, from }: Given) => {
  const machine = fakeMachine(world, { book, target: braceAccess })
  const before = stateOf(world)
  return { machine, before, result: await machine.run({ what, from: from ?? null }) }
}
const layRules = (world: FakeWorld, text: string, name: string = `${files.pgHba}.bak`): void => {
  world.volumes.get('db')!.set(name, { ...pgHbaOf(world)!, body: Buffer.from(text) })
}
const lay = (world: FakeWorld, path: string, text: string): void =>
  void world.disk.files.set(path, Buffer.from(text))

describe('auth-rollback', () => {
  it.each<readonly [string, Given, (world: FakeWorld) => void, string]>([
    [
      'rules that are not there',
      { what: 'pg-hba', from: 'pg_hba.conf.old' },
      () => undefined,
      'cannot go back to /var/lib/postgresql/data/pg_hba.conf.old: no such file',
    ],
    ['empty rules', { what: 'pg-hba' }, (world) => layRules(world, ' \n'), 'it is empty'],
    [
      'rules that are all comments',
      { what: 'pg-hba' },
      (world) => layRules(world, '# host all\n  # all\n'),
      'it contains no rule',
    ],
    [
      'the same rules',
      { what: 'pg-hba' },
      (world) => layRules(world, rules.bad),
      'it is identical to /var/lib/postgresql/data/pg_hba.conf',
    ],
    [
      'a link for rules',
      { what: 'pg-hba' },
      (world) =>
        void world.volumes
          .get('db')!
          .set(`${files.pgHba}.bak`, { ...pgHbaOf(world)!, kind: 'link', link: '/etc/passwd' }),
      'it is a symbolic link',
    ],
    [
      'a database without a container',
      { what: 'pg-hba' },
      (world) => void (world.fleet.services.get('db')!.instance = null),
      'cannot open the volumes of db: the service has no container',
    ],
    [
      'settings that are not there',
      { what: 'daemon', from: '/etc/docker/daemon.json.old' },
      () => undefined,
      'cannot go back to /etc/docker/daemon.json.old: no such file',
    ],
    [
      'settings that were cut off',
      { what: 'daemon' },
      (world) => lay(world, `${files.daemon}.bak`, '{ "log-driver": '),
      'it is not JSON',
    ],
    [
      'settings that are a list',
      { what: 'daemon' },
      (world) => lay(world, `${files.daemon}.bak`, '[]'),
      'it is not a JSON object',
    ],
    [
      'the same settings',
      { what: 'daemon' },
      (world) => lay(world, `${files.daemon}.bak`, settings.bad.replace(', }', ' }')),
      'it is identical to /etc/docker/daemon.json',
    ],
    [
      'a path that climbs',
      { what: 'daemon', from: '../x' },
      () => undefined,
      'it is neither the name of a file beside it nor an absolute path',
    ],
    [
      'a Compose file that was cut off',
      { what: 'compose' },
      (world) => lay(world, `${files.compose}.bak`, 'services: { db: "'),
      'it is not YAML',
    ],
    [
      'a Compose file without services',
      { what: 'compose' },
      (world) => lay(world, `${files.compose}.bak`, 'volumes: {}'),
      'it has no services',
    ],
    ['a folder', { what: 'compose', from: '/srv/brace/infra' }, () => undefined, 'it is not a regular file'],
    ['nobody to ask', { what: 'compose' }, (world) => void (world.person = nobody), 'no terminal to ask for'],
  ])('is refused, with nothing touched, for %s', async (_, given, spoil, says) => {
    const world = edited({
      pgHba: rules.bad,
      compose: composed.bad,
      ...(given.what === 'daemon'
        ? {
            daemon:
              says === 'it is identical to /etc/docker/daemon.json'
                ? settings.bad.replace(', }', ' }')
                : settings.bad,
          }
        : {}),
    })
    spoil(world)
    const { result, before } = await run(world, given)
    expect(result).toMatchObject({ outcome: 'refused', failure: { message: expect.stringContaining(says) } })
    expect(stateOf(world)).toEqual(before)
  })

  it('puts no rules in place that a throwaway server does not start with', async () => {
    const world = edited({ pgHba: rules.bad })
    world.fleet.services.get('db')!.once = () => ({
      exitCode: 3,
      output: 'invalid authentication method "nonsense"',
    })
    layRules(world, rules.broken)
    const { result, before, machine } = await run(world, { what: 'pg-hba' })
    expect(result).toMatchObject({
      outcome: 'rolled-back',
      failure: { code: 'verification', message: expect.stringContaining('Postgres does not start with') },
    })
    expect(stateOf(world)).toEqual(before)
    expect(
      machine.entries.filter(
        ({ entry }) => entry.type === 'intent' && entry.step.startsWith('put-it-in-place'),
      ),
    ).toEqual([])
  })

  it('goes back to the rules as they were where the copy lets the application in as little, and Postgres reads them again', async () => {
    const world = edited({ pgHba: rules.bad })
    layRules(world, 'local all all trust\n')
    const { result, before } = await run(world, { what: 'pg-hba' })
    expect(result).toMatchObject({
      outcome: 'rolled-back',
      failure: { message: expect.stringContaining('cannot log in as brace_user at db: ') },
    })
    expect(stateOf(world)).toEqual(before)
    expect(world.faults.reached.filter((moment) => moment === 'databases.reload')).toHaveLength(2)
  })

  it('goes back to settings that Docker did not accept where it does not accept those of the copy either', async () => {
    const world = edited({ daemon: settings.bad })
    lay(world, `${files.daemon}.bak`, settings.strange)
    const { result, before } = await run(world, { what: 'daemon' })
    expect(result).toMatchObject({
      outcome: 'rolled-back',
      failure: { message: expect.stringContaining('"systemctl restart docker" ended with exit code 1') },
    })
    expect(stateOf(world)).toEqual(before)
  })

  it.each([
    [20, 'succeeded', 0],
    [28, 'verification', 1],
  ] as const)(
    'has dockerd %i judge its settings where it can, and says where it cannot',
    async (major, code, asked) => {
      const world = edited({ daemon: settings.bad })
      world.programs.installed.set('dockerd', {
        version: `${major}.0.1`,
        run: () => ({ exitCode: 1, output: 'unknown setting' }),
      })
      const { result, machine } = await run(world, { what: 'daemon' })
      expect(result.code).toBe(code)
      expect(
        world.programs.calls.filter(({ argv }) => argv[0] === 'dockerd').map(({ argv }) => argv.join(' ')),
      ).toEqual(asked === 0 ? [] : [`dockerd --validate --config-file ${files.daemon}.bak`])
      expect(JSON.stringify(machine.entries).includes('"judgedBy":"JSON alone"')).toBe(asked === 0)
    },
  )

  it('puts back a Compose file that Compose cannot read, and leaves what runs as it is', async () => {
    const world = edited({ compose: composed.bad })
    world.faults.order('services.outdated', 'fail')
    const change = world.fleet.beforeChange
    world.fleet.beforeChange = (operation, service) => {
      if (operation === 'up') throw new Error('no such image')
      return change(operation, service)
    }
    const { result, before, machine } = await run(world, { what: 'compose' })
    expect(JSON.stringify(machine.entries)).toContain('"presentOutdated":null')
    expect(result).toMatchObject({
      outcome: 'rolled-back',
      failure: { message: expect.stringContaining('no such image') },
    })
    expect(stateOf(world)).toEqual(before)
    expect(world.faults.reached.filter((moment) => moment === 'services.up')).toHaveLength(1)
  })

  it('puts no Compose file in place that lacks a service', async () => {
    const world = edited({ compose: composed.bad })
    world.fleet.services.delete('backend')
    const { result, before } = await run(world, { what: 'compose' })
    expect(result).toMatchObject({
      code: 'verification',
      failure: {
        message: expect.stringContaining(
          'services not found in /srv/brace/infra/docker-compose.prod.yml.bak: backend',
        ),
      },
    })
    expect(stateOf(world)).toEqual(before)
  })

  it('T.8: keeps two files of one day apart, takes a name beside the file, and tells no password', async () => {
    const world = edited({ pgHba: rules.bad })
    layRules(world, `${rules.good}# of yesterday\n`, `${files.pgHba}.yesterday`)
    const first = await run(world, { what: 'pg-hba' })
    const second = await run(world, { what: 'pg-hba', from: 'pg_hba.conf.yesterday' })
    expect([first.result.code, second.result.code]).toEqual(['succeeded', 'succeeded'])
    expect(
      keptOf(world, files.pgHba)
        .map((path) => textOf(pgHbaOf(world, path)?.body))
        .toSorted(),
    ).toEqual([rules.bad, rules.good].toSorted())
    expect(JSON.stringify(second.machine.entries)).toContain('brace_user can log in with the present rules')
    expect(
      JSON.stringify([first.machine.entries, first.machine.events, second.machine.entries]),
    ).not.toContain('canary-password')
  })

  it('is not undone by a service that does not get well: it was let in', async () => {
    const world = edited({ pgHba: rules.bad })
    world.web.answers.set('http://brace/api/health', [{ status: 500 }])
    const { result } = await run(world, { what: 'pg-hba' })
    expect(result).toMatchObject({
      outcome: 'needs-human',
      failure: { message: expect.stringContaining('backend was not healthy') },
    })
    expect(textOf(pgHbaOf(world)?.body)).toBe(rules.good)
  })
})
