import type { Target } from '../../src/model/target.ts'
import {
  emptyDisk,
  emptyStore,
  emptyWeb,
  imageArchiveOf,
  lay,
  fakeWorld,
  fakeImage,
  runningFleet,
  type FakeWorld,
} from '../../src/testing/index.ts'

export const root = '/srv/codex'
export const folder = '/backups/images'
export const idOf = (digit: string): string => `sha256:${digit.repeat(64)}`

const stackOf = (project: string, file: string) =>
  ({
    kind: 'compose',
    project,
    directory: root,
    files: [`${root}/${file}`],
    envFiles: [],
    profiles: [],
    environment: {},
  }) as const
const prod = stackOf('codex', 'docker-compose.yml')
const health = (name: string) => [
  {
    name,
    url: `http://${name}/healthz`,
    status: 200,
    passes: 1,
    withinSeconds: 20,
    everySeconds: 1,
    timeoutSeconds: 1,
    json: {},
    bearer: null,
  },
]

/** Prod and dev side by side, as document 000 has them. */
export const codexTarget: Target = {
  name: 'codex',
  title: 'codex',
  objectives: { rtoSeconds: 900, rpoSeconds: null },
  stack: prod,
  checklist: { file: '/artifacts/checklist.md' },
  settings: {},
  images: {
    repository: 'codex-completions-api',
    folder,
    pointers: 'codex-latest-',
    history: `${folder}/codex-image-history.jsonl`,
    releases: `${root}/releases`,
    locks: 'stack-images',
    keep: 5,
    environments: [
      {
        name: 'prod',
        stack: prod,
        service: 'app',
        canonical: 'codex-completions-api:latest',
        health: health('prod'),
      },
      {
        name: 'dev',
        stack: stackOf('codex-dev', 'compose.dev.stack.yml'),
        service: 'app-dev',
        canonical: 'codex-completions-api:dev',
        health: health('dev'),
      },
    ],
  },
}

/** Both run: prod the image 1, dev the image 2. */
export function codexWorld(): FakeWorld {
  const disk = emptyDisk()
  const images = emptyStore()
  const web = emptyWeb()
  for (const path of [folder, `${root}/releases`, '/artifacts'])
    for (const one of [path, path.slice(0, path.lastIndexOf('/')) || '/']) disk.folders.add(one)
  for (const file of ['docker-compose.yml', 'compose.dev.stack.yml'])
    lay(disk, `${root}/${file}`, 'services: {}\n')
  lay(disk, `${root}/.git/HEAD`, 'ref: refs/heads/main\n')
  lay(disk, `${root}/.git/refs/heads/main`, `${'abc1234'.padEnd(40, '0')}\n`)
  images.images.set(idOf('1'), fakeImage('codex-completions-api:latest'))
  images.images.set(idOf('2'), fakeImage('codex-completions-api:dev'))
  for (const name of ['prod', 'dev']) web.answers.set(`http://${name}/healthz`, [{ status: 200, json: {} }])
  const fleet = runningFleet({ app: 'codex-completions-api:latest', 'app-dev': 'codex-completions-api:dev' })
  runs({ fleet }, 'app', idOf('1'))
  runs({ fleet }, 'app-dev', idOf('2'))
  return fakeWorld({ disk, images, web, fleet })
}

/** As if the container had been made of that image. */
export function runs({ fleet }: Pick<FakeWorld, 'fleet'>, name: string, imageId: string): void {
  const service = fleet.services.get(name)
  if (service?.instance != null) service.instance = { ...service.instance, imageId }
}

export const textOf = ({ disk }: FakeWorld, path: string): string | null => {
  const body = disk.files.get(path)
  return body === undefined ? null : Buffer.from(body).toString()
}

export const lockFile = `${root}/releases/stack-images-2025-09-12.lock.json`
export const tag = (env: string): string => `codex-completions-api:${env}-20250912-235129Z`

/** A bad deployment to both environments, after a snapshot as the team's own script takes it. */
export function deployed(here: 'images' | 'tars' = 'images'): FakeWorld {
  const world = codexWorld()
  const { disk, images } = world
  for (const [env, old, bad, service, canonical] of [
    ['prod', '1', '8', 'app', 'latest'],
    ['dev', '2', '9', 'app-dev', 'dev'],
  ] as const) {
    const tar = `${folder}/codex-completions-api-${env}-20250912-235129Z.tar`
    lay(disk, `${folder}/codex-latest-${env}.iid`, idOf(old))
    lay(disk, `${folder}/codex-latest-${env}.tag`, tag(env))
    lay(disk, `${folder}/codex-latest-${env}.tarpath`, tar)
    lay(disk, tar, imageArchiveOf([{ id: idOf(old), ...fakeImage(tag(env)) }]))
    images.images.set(idOf(old), fakeImage(tag(env)))
    images.images.set(idOf(bad), fakeImage(`codex-completions-api:${canonical}`))
    if (here === 'tars') images.images.delete(idOf(old))
    runs(world, service, idOf(bad))
  }
  lay(
    disk,
    lockFile,
    JSON.stringify({
      _note: 'x',
      created_at: '2025-09-12T23-51-29Z',
      repo_head: 'abc1234',
      images: [
        {
          env: 'prod',
          image_id: idOf('1'),
          archival_tag: tag('prod'),
          tar: '/home/other/codex-completions-api-prod-20250912-235129Z.tar',
          new_field: 1,
        },
      ],
    }),
  )
  return world
}
