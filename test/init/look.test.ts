import { describe, expect, it } from 'vitest'
import type { ComposeProject } from '../../src/drivers/projects.ts'
import { lookAround } from '../../src/init/look.ts'
import { proposalOf } from '../../src/init/proposal.ts'
import { emptyDisk, lay, type Disk } from '../../src/testing/disk.ts'
import { fakeFiles } from '../../src/testing/files.ts'
import { fakeProjects, noProjects, type FakeProjects } from '../../src/testing/projects.ts'

const document = {
  name: 'shop',
  services: {
    web: {
      image: 'example/shop',
      environment: { DATABASE_URL: 'postgres://db/shop' },
      ports: [{ target: 80, published: '8080', protocol: 'tcp', mode: 'ingress' }],
      networks: { default: null },
    },
    smoke: { image: 'example/shop', profiles: ['checks'], networks: { default: null } },
    db: { image: 'postgres:17', environment: { POSTGRES_DB: 'shop' }, networks: { default: null } },
  },
}

const project = (more: Partial<ComposeProject> = {}): ComposeProject => ({
  name: 'shop',
  directory: '/srv/shop',
  files: ['/srv/shop/compose.yml'],
  envFiles: [],
  containers: ['web', 'db'].map((service) => ({ service, image: 'x', running: true, exitCode: null })),
  labels: {},
  ...more,
})

const world = (): { readonly disk: Disk; readonly docker: FakeProjects } => {
  const disk = emptyDisk()
  const docker = noProjects()
  lay(disk, '/srv/shop/compose.yml', '')
  docker.documents.set('/srv/shop/compose.yml', document)
  docker.projects.push(project())
  return { disk, docker }
}

const looked = async (
  { disk, docker }: ReturnType<typeof world>,
  more: {
    readonly folder?: string
    readonly project?: string
    readonly files?: readonly string[]
    readonly answers?: { readonly [url: string]: number }
  } = {},
) => {
  const facts = await lookAround(
    { folder: more.folder ?? '/srv/shop', files: more.files ?? [], project: more.project ?? null },
    {
      projects: fakeProjects(docker),
      files: fakeFiles(disk),
      http: {
        get: async (url) => {
          const status = more.answers?.[url]
          if (status === undefined) throw new Error('refused')
          return { status, json: null, excerpt: '', milliseconds: 1 }
        },
      },
    },
  )
  const { targets, remarks } = proposalOf(facts)
  const section = (name: string) => targets[0]?.sections.find((one) => one.name === name)
  return { facts, targets, remarks, section }
}

describe('what runs', () => {
  it('is described by its labels, with env files, the profiles that run, and another folder', async () => {
    const shop = world()
    lay(shop.disk, '/srv/shop/infra/prod.yml', '')
    shop.docker.documents.set('/srv/shop/infra/prod.yml', document)
    shop.docker.projects.splice(
      0,
      1,
      project({
        files: ['infra/prod.yml'],
        envFiles: ['/etc/shop/prod.env'],
        containers: [{ service: 'smoke', image: 'x', running: true, exitCode: null }],
      }),
    )
    expect((await looked(shop)).section('stack')?.value).toEqual({
      kind: 'compose',
      project: 'shop',
      files: ['infra/prod.yml'],
      directory: '.',
      envFiles: ['/etc/shop/prod.env'],
      profiles: ['checks'],
    })
  })

  it('answers at its ports: the page, else a usual path, else whatever answers', async () => {
    const at = 'http://127.0.0.1:8080'
    for (const { answers, value } of [
      { answers: { [`${at}/`]: 200, [`${at}/health`]: 200 }, value: [{ name: 'web', url: `${at}/` }] },
      {
        answers: { [`${at}/`]: 404, [`${at}/healthz`]: 204 },
        value: [{ name: 'web', url: `${at}/healthz`, status: 204 }],
      },
      { answers: { [`${at}/`]: 401 }, value: [{ name: 'web', url: `${at}/`, status: 401 }] },
      { answers: {}, value: [] },
    ])
      expect((await looked(world(), { answers })).section('health')?.value).toEqual(value)
  })

  it('is healthy by the own checks of its writers where no address answers', async () => {
    for (const { healthcheck, value } of [
      { healthcheck: { test: ['CMD', 'true'] }, value: [{ name: 'web', service: 'web' }] },
      { healthcheck: { test: ['NONE'] }, value: [] },
      { healthcheck: { test: ['CMD', 'true'], disable: true }, value: [] },
    ]) {
      const shop = world()
      const web = { ...document.services.web, ports: [], healthcheck }
      shop.docker.documents.set('/srv/shop/compose.yml', {
        ...document,
        services: { ...document.services, web },
      })
      const section = (await looked(shop)).section('health')
      expect(section).toMatchObject({ value, questions: [] })
      expect(section?.guessed === null).toBe(value.length > 0)
    }
  })

  it('is healthy by the health check of an image, unless the service has its own or none', async () => {
    const ofImage = ['CMD', 'wget', '-q', 'http://localhost:3000/up']
    for (const { more, value } of [
      { more: { ports: [] }, value: [{ name: 'web', service: 'web' }] },
      { more: { ports: [], healthcheck: { interval: '5s' } }, value: [{ name: 'web', service: 'web' }] },
      { more: { ports: [], healthcheck: { disable: true } }, value: [] },
      { more: { ports: [], healthcheck: { test: ['NONE'] } }, value: [] },
      {
        more: { ports: [{ target: 3000, published: '8080', protocol: 'tcp', mode: 'ingress' }] },
        value: [{ name: 'web', url: 'http://127.0.0.1:8080/up' }],
      },
    ]) {
      const shop = world()
      shop.docker.healthchecks.set('x', ofImage)
      shop.docker.documents.set('/srv/shop/compose.yml', {
        ...document,
        services: { ...document.services, web: { ...document.services.web, ...more } },
      })
      const answers = { 'http://127.0.0.1:8080/up': 200 }
      expect((await looked(shop, { answers })).section('health')?.value).toEqual(value)
    }
  })

  it('is found from any folder that has no Compose file, and only what has a database', async () => {
    const shop = world()
    lay(shop.disk, '/home/ops/readme', '')
    lay(shop.disk, '/srv/pages/compose.yml', '')
    shop.docker.documents.set('/srv/pages/compose.yml', { services: { pages: { image: 'nginx' } } })
    shop.docker.projects.push(
      project({ name: 'pages', directory: '/srv/pages', files: ['/srv/pages/compose.yml'], containers: [] }),
    )
    const { targets, remarks } = await looked(shop, { folder: '/home/ops' })
    expect(targets.map(({ name }) => name)).toEqual(['shop'])
    expect(remarks.join('\n')).toContain('pages: no database found')
    expect((await looked(shop, { folder: '/home/ops', project: 'pages' })).targets[0]?.project).toBe('pages')
  })

  it('is told that a SQLite file in a volume without a name does not outlive the container', async () => {
    const shop = world()
    const web = {
      image: 'example/shop',
      environment: { DATABASE_URL: 'sqlite:////data/shop.db' },
      volumes: [{ type: 'volume', target: '/data' }],
    }
    shop.docker.documents.set('/srv/shop/compose.yml', {
      services: { web, kuma: { image: 'louislam/uptime-kuma:2' } },
    })
    const { remarks } = await looked(shop)
    const text = remarks.join('\n')
    expect(text).toContain('shop: /data/shop.db of web is in no folder and in no volume with a name')
    expect(text).toContain('shop: /app/data/kuma.db of kuma is in no folder')
    expect(text).not.toContain('no database found')
  })

  it('is not looked for elsewhere if several files of the folder may be meant', async () => {
    const shop = world()
    for (const name of ['docker-compose-a.yml', 'docker-compose-b.yml'])
      lay(shop.disk, `/home/ops/${name}`, '')
    const { targets, remarks } = await looked(shop, { folder: '/home/ops' })
    expect(targets).toEqual([])
    expect(remarks).toContain(
      'several Compose files may be meant; name one with --file: docker-compose-a.yml, docker-compose-b.yml',
    )
    shop.docker.documents.set('/home/ops/docker-compose-b.yml', { ...document, name: 'ops' })
    const named = await looked(shop, { folder: '/home/ops', files: ['/home/ops/docker-compose-b.yml'] })
    expect(named.targets.map((one) => one.project)).toEqual(['ops'])
  })

  it('says what it could not read, and goes on with the others', async () => {
    const shop = world()
    shop.docker.projects.push(
      project({ name: 'gone', directory: '/srv/shop/gone', files: ['/srv/shop/gone/compose.yml'] }),
    )
    const { targets, remarks } = await looked(shop)
    expect(targets.map(({ name }) => name)).toEqual(['shop'])
    expect(remarks.join('\n')).toContain('gone: cannot read the Compose files of gone')
  })
})

describe('platforms', () => {
  it('Coolify: the name that people gave, its files and its dumps', async () => {
    const { disk, docker } = world()
    const uuid = 'k8s0wkk4cs'
    const file = `/data/coolify/services/${uuid}/docker-compose.yml`
    lay(disk, file, '')
    docker.documents.set(file, document)
    for (const second of [1764371000, 1764374600, 1764378200])
      lay(
        disk,
        `/data/coolify/backups/databases/root-team-0/shop-${uuid}/pg-dump-shop-${second}.dmp`,
        'PGDMP',
      )
    docker.projects.splice(
      0,
      1,
      project({
        name: uuid,
        directory: `/artifacts/${uuid}`,
        files: [`/artifacts/${uuid}/docker-compose.yml`],
        labels: { 'coolify.managed': 'true', 'coolify.resourceName': 'My Shop' },
      }),
    )
    const { targets, section } = await looked({ disk, docker }, { folder: '/root' })
    expect(targets.map(({ name }) => name)).toEqual(['my-shop'])
    expect(section('stack')?.value).toMatchObject({ project: uuid, files: [file] })
    expect(section('backups')?.value).toMatchObject({
      directory: `/data/coolify/backups/databases/root-team-0/shop-${uuid}`,
      pattern: 'pg-dump-shop-*.dmp',
      checksums: 'if-present',
    })
  })

  it('Dokploy: the name without the letters that it adds', async () => {
    const { disk, docker } = world()
    const file = '/etc/dokploy/compose/shop-web-a1b2c3/code/docker-compose.yml'
    lay(disk, file, '')
    docker.documents.set(file, document)
    docker.projects.splice(
      0,
      1,
      project({ name: 'shop-web-a1b2c3', directory: file.slice(0, file.lastIndexOf('/')), files: [file] }),
    )
    expect((await looked({ disk, docker }, { folder: '/root' })).targets[0]).toMatchObject({
      name: 'shop-web',
      project: 'shop-web-a1b2c3',
    })
  })

  it('Kamal, CapRover and Swarm are named, since there is no Compose project', async () => {
    const { disk } = world()
    const docker = noProjects()
    lay(disk, '/home/ops/Procfile', '')
    docker.loose.push(
      { name: 'shop-web-1', image: 'shop', labels: { service: 'shop', role: 'web', destination: '' } },
      { name: 'x', image: 'x', labels: { 'com.docker.swarm.service.name': 'srv-captain--blog' } },
      { name: 'y', image: 'y', labels: { 'com.docker.swarm.service.name': 'stats_db' } },
    )
    const { targets, remarks } = await looked({ disk, docker }, { folder: '/home/ops' })
    expect(targets).toEqual([])
    for (const text of [
      'Kamal runs shop',
      'CapRover runs srv-captain--blog',
      'stats_db: swarm services',
      'Procfile',
    ])
      expect(remarks.join('\n')).toContain(text)
  })
})

describe('the data of a Postgres that a new container begins without', () => {
  const withDatabase = (db: object) => {
    const shop = world()
    const services = { ...document.services, db: { ...document.services.db, ...db } }
    shop.docker.documents.set('/srv/shop/compose.yml', { ...document, services })
    return looked(shop)
  }
  const said = async (db: object): Promise<readonly string[]> =>
    (await withDatabase(db)).remarks.filter((line) => line.includes('no volume with a name'))

  it.each([
    ['nothing is mounted', {}, '/var/lib/postgresql/data'],
    [
      'only scripts are',
      { volumes: [{ type: 'bind', source: '/srv/shop/init', target: '/docker-entrypoint-initdb.d' }] },
      '/var/lib/postgresql/data',
    ],
    [
      'the volume has no name',
      { volumes: [{ type: 'volume', target: '/var/lib/postgresql/data' }] },
      '/var/lib/postgresql/data',
    ],
    [
      'it is elsewhere',
      {
        environment: { PGDATA: '/pg' },
        volumes: [{ type: 'bind', source: '/srv/pg', target: '/var/lib/postgresql/data' }],
      },
      '/pg',
    ],
    ['the image is of bitnami', { image: 'bitnami/postgresql:17' }, '/bitnami/postgresql'],
  ])('is named, with what to mount, where %s', async (_, db, data) => {
    expect(await said(db)).toEqual([
      expect.stringMatching(`^shop: the data of db \\(${data}\\) .* mount a named volume at ${data} `),
    ])
  })

  it('is no matter where a mount holds it', async () => {
    for (const target of ['/var/lib/postgresql', '/var/lib/postgresql/data'])
      expect(await said({ volumes: [{ type: 'bind', source: '/srv/shop/pgdata', target }] })).toEqual([])
  })
})

describe('backups', () => {
  it('are found beside the project, not in the data of services nor among migrations', async () => {
    const shop = world()
    shop.docker.documents.set('/srv/shop/compose.yml', {
      ...document,
      services: {
        ...document.services,
        db: {
          ...document.services.db,
          volumes: [{ type: 'bind', source: '/srv/shop/pgdata', target: '/var/lib/postgresql/data' }],
        },
      },
    })
    lay(shop.disk, '/srv/shop/pgdata/base/shop_20261101T010000Z.dump', 'PGDMP')
    lay(shop.disk, '/srv/shop/db/migrations/20261101010000_shop.sql', 'create table x()')
    for (const day of ['01', '02', '03']) {
      const path = `/srv/shop/var/nightly/shop_202611${day}T010000Z.sql.gz`
      lay(shop.disk, path, Buffer.from([0x1f, 0x8b]))
      lay(shop.disk, `${path}.sha256`, '')
    }
    expect((await looked(shop)).section('backups')).toMatchObject({
      value: { directory: './var/nightly', pattern: 'shop_{time}.sql.gz' },
      guessed: null,
    })
  })

  it('are found in a project that a service mounts, before the limit of folders is reached', async () => {
    const shop = world()
    shop.docker.documents.set('/srv/shop/compose.yml', {
      ...document,
      services: {
        ...document.services,
        web: {
          ...document.services.web,
          volumes: [{ type: 'bind', source: '/srv/shop', target: '/app' }],
        },
      },
    })
    for (let number = 0; number < 500; number++) lay(shop.disk, `/srv/shop/a/b${number}/file`, '')
    lay(shop.disk, '/srv/shop/a/z-backups/shop_20261101T010000Z.dump', 'PGDMP')
    expect((await looked(shop)).section('backups')?.value).toMatchObject({ directory: './a/z-backups' })
  })

  it('may be folders of pg_dump -Fd, also such as are named like a file', async () => {
    for (const name of ['shop_20261101', 'shop_20261101.dump']) {
      const shop = world()
      lay(shop.disk, `/srv/shop/nightly/${name}/toc.dat`, 'PGDMP')
      lay(shop.disk, `/srv/shop/nightly/${name}/3001.dat.gz`, Buffer.from([0x1f, 0x8b]))
      lay(shop.disk, `/srv/shop/nightly/${name}/SHA256SUMS`, '')
      lay(shop.disk, '/srv/shop/other/toc.dat', 'a book')
      expect((await looked(shop)).section('backups')?.value).toMatchObject({
        directory: './nightly',
        pattern: name.replace('20261101', '{time}'),
      })
      expect((await looked(shop)).section('backups')?.value).not.toHaveProperty('checksums')
    }
  })

  it('are none that a run made of what it replaced', async () => {
    const shop = world()
    lay(shop.disk, '/srv/shop/dumps/shop-replaced-20261129-202314-tkzq4.dump', 'PGDMP')
    const { section, remarks } = await looked(shop)
    expect(section('backups')?.guessed).toBe('no backups found near the project')
    expect(remarks.join('\n')).toContain('exec -T db pg_dump -Fc -U postgres shop > backups/shop_$(date')
  })
})
