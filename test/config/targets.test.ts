import { describe, expect, it } from 'vitest'
import { configSchema } from '../../src/config/schema.ts'
import { targetOf } from '../../src/config/target.ts'
import { brace } from '../../targets/brace.ts'
import { codex, codexDev } from '../../targets/codex.ts'
import { composeApi } from '../../targets/compose-api.ts'
import { contextsafe } from '../../targets/contextsafe.ts'

const basePaths = { directory: '/srv/ops', home: '/home/op', host: 'box' }
const of = (sections: object) =>
  targetOf(configSchema.parse({ targets: { one: sections } }), 'one', basePaths)
const root = '/home/op/codex-completions-api'

describe('codex', () => {
  it('fits a checkout as it is: project, images, and what a bundle never replaces', () => {
    const { stack, images, bundle, data, drill, release } = of(codex({ root }))
    expect(stack).toMatchObject({ project: 'codex-completions-api', files: [`${root}/docker-compose.yml`] })
    expect(images).toMatchObject({
      repository: 'codex-completions-api',
      folder: '/home/op/.cache/codex-backups',
      environments: [
        { name: 'prod', service: 'app', canonical: 'codex-completions-api:latest', stack },
        {
          name: 'dev',
          service: 'app-dev',
          canonical: 'codex-completions-api:dev',
          stack: {
            project: 'codex-dev',
            directory: root,
            files: [`${root}/compose.dev.stack.yml`],
            envFiles: [`${root}/.env.dev`],
          },
        },
      ],
    })
    expect(release).toMatchObject({ source: root, name: 'codex-completions-api' })
    // `npm install` would run `husky install`, and `server.js` has no dry-run switch.
    expect(bundle).toMatchObject({
      install: ['npm', 'install', '--omit=dev', '--ignore-scripts'],
      dryRun: null,
      place: { pattern: 'codex-completions-api-*-{time}.tar.gz' },
    })
    // The archive holds the folder `.codex-api`, from which key files are counted.
    expect(data).toMatchObject({
      keyFiles: [{ path: 'config.toml', parse: 'toml' }],
      making: { source: `${root}/.codex-api` },
    })
    expect(drill).toMatchObject({
      keep: ['.env', '.env.dev', '.git', '.codex-api'],
      smoke: ['npm', 'run', 'smoke:prod'],
    })
  })

  it('is the Compose project of its folder, also where that has to be normalised', () => {
    expect(of(codex({ root: '/srv/Codex.Prod/' })).stack).toMatchObject({ project: 'codexprod' })
  })

  it('takes what differs in a later checkout', () => {
    const keyFiles = [{ path: 'auth.json', parse: 'json' }] as const
    const { images, bundle, data, drill, release, stack } = of(
      codex({
        root,
        project: 'proxy',
        file: 'compose.yml',
        devFile: 'infra/compose/compose.dev.stack.yml',
        repository: 'ghcr.io/drjlabs/codex-app-server-proxy',
        install: ['npm', 'ci'],
        dryRun: ['node', 'server.js', '--check'],
        keyFiles,
        keep: ['.env'],
        smoke: ['true'],
      }),
    )
    expect(stack).toMatchObject({ project: 'proxy', files: [`${root}/compose.yml`] })
    expect(images).toMatchObject({
      repository: 'ghcr.io/drjlabs/codex-app-server-proxy',
      environments: [
        { canonical: 'ghcr.io/drjlabs/codex-app-server-proxy:latest' },
        { stack: { directory: root, files: [`${root}/infra/compose/compose.dev.stack.yml`] } },
      ],
    })
    expect(bundle).toMatchObject({
      install: ['npm', 'ci'],
      dryRun: ['node', 'server.js', '--check'],
      place: { pattern: 'codex-app-server-proxy-*-{time}.tar.gz' },
    })
    expect(release?.name).toBe('codex-app-server-proxy')
    expect([data?.keyFiles, drill]).toMatchObject([keyFiles, { keep: ['.env'], smoke: ['true'] }])
  })

  it('names bundles apart from images where that is asked for', () => {
    const { images, bundle, release } = of(codex({ repository: 'proxy', name: 'codex-completions-api' }))
    expect([images?.repository, release?.name, bundle?.place.pattern]).toEqual([
      'proxy',
      'codex-completions-api',
      'codex-completions-api-*-{time}.tar.gz',
    ])
  })

  it('has the same development stack beside production and alone', () => {
    const options = { root, devFile: 'infra/compose/compose.dev.stack.yml' }
    const alone = of(codexDev(options))
    expect(alone.images?.environments).toEqual([of(codex(options)).images?.environments[1]])
    expect(alone.stack).toEqual(alone.images?.environments[0]?.stack)
  })
})

describe('brace', () => {
  it('fits production: its database, and its frontend on port 80', () => {
    const { database, health } = of(brace())
    expect(database).toMatchObject({ via: { service: 'db' }, name: 'brace_tg' })
    expect(health).toMatchObject([{ url: 'http://127.0.0.1:8000/api/health' }, { url: 'http://127.0.0.1/' }])
  })

  it('takes another database and another frontend', () => {
    const { database, health } = of(brace({ database: 'brace', frontendUrl: 'http://127.0.0.1:3000' }))
    expect([database, health?.[1]]).toMatchObject([{ name: 'brace' }, { url: 'http://127.0.0.1:3000/' }])
  })
})

describe('compose-api', () => {
  it('is the project of its folder, and its database is cleaning', () => {
    expect(of(composeApi({ root: '/srv/clean' }))).toMatchObject({
      stack: { project: 'clean', files: ['/srv/clean/docker-compose.yml'] },
      database: { name: 'cleaning' },
    })
  })

  it('takes another project and another database', () => {
    expect(of(composeApi({ project: 'prod', database: 'api' }))).toMatchObject({
      stack: { project: 'prod' },
      database: { name: 'api' },
    })
  })
})

it('contextsafe is the project of the folder of its Compose file', () => {
  expect(of(contextsafe({ root: '/srv/x' })).stack).toMatchObject({
    project: 'docker',
    files: ['/srv/x/docker/docker-compose.yml'],
  })
})
