import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { composeServices } from '../../../src/adapters/docker/services.ts'
import type { DeclaredChange } from '../../../src/drivers/services.ts'
import { busyboxStack, type BusyboxStack } from '../../fixtures/busybox-stack.ts'
import { docker } from '../../fixtures/requirements.ts'
import { watchedScope } from '../../fixtures/scope.ts'

vi.setConfig({ testTimeout: 60_000 })

const compose = `
include: [more/included.yml]
x-base: &base
  image: \${REPOSITORY:-shop}/base:\${IMAGE_TAG:-none}
  env_file: [app.env]
services:
  api:
    <<: *base
    environment: &shared { STAGE: live, LEVEL: "\${LEVEL:-info}" }
  worker:
    extends: { file: more/extended.yml, service: base }
    environment: *shared
  fixed:
    image: shop/fixed:1
    volumes: ["\${DATA:-data}:/data"]
  twin:
    extends: fixed
    profiles: [by-hand]
volumes: { data: {}, other: {} }
`

describe.skipIf(!docker())('what Compose makes of an edit', () => {
  let shop: BusyboxStack
  const path = (name: string): string => join(shop.stack.directory, name)
  const changes = async (name: string, body: string, more = {}): Promise<readonly string[] | null> => {
    const found = await composeServices({ scope: watchedScope() }).declaredChanges(
      { ...shop.stack, ...more },
      { file: path(name), body: Buffer.from(body) },
    )
    const text = ({ service, path: where }: DeclaredChange): string =>
      `${service ?? 'shared'} ${where}`.trim()
    return found?.map(text) ?? null
  }

  beforeEach(async () => {
    shop = await busyboxStack(compose)
    await mkdir(path('more'))
    for (const [name, body] of [
      ['.env', 'IMAGE_TAG=1.4\n'],
      ['prod.env', 'IMAGE_TAG=1.4\nAPP_FILE=app\n'],
      ['app.env', 'MODEL=large\nURL=db://${IMAGE_TAG}\n'],
      [
        'more/included.yml',
        'services: { inc: { image: "inc:${IMAGE_TAG}", env_file: inc.env, volumes: ["./d:/d"] } }',
      ],
      ['more/inc.env', 'A=1\n'],
      [
        'more/extended.yml',
        'services: { base: { image: "ext:1", env_file: [{ path: ext.env, required: false }] } }',
      ],
      ['more/ext.env', 'TAG=${IMAGE_TAG}\n'],
    ] as const)
      await writeFile(path(name), body)
  })
  afterEach(() => shop.close())

  it.each([
    ['compose.yml', compose],
    ['.env', 'IMAGE_TAG=1.4\n'],
    ['app.env', 'MODEL=large\nURL=db://${IMAGE_TAG}\n'],
    ['more/inc.env', 'A=1\n'],
    ['more/ext.env', 'TAG=${IMAGE_TAG}\n'],
  ])('finds no change where %s stays as it is', async (name, body) => {
    expect(await changes(name, body)).toEqual([])
  })

  it('finds every service that takes a value by an anchor, a merge or an alias', async () => {
    expect(await changes('compose.yml', compose.replace('STAGE: live', 'STAGE: test'))).toEqual([
      'api environment.STAGE',
      'worker environment.STAGE',
    ])
    expect(await changes('compose.yml', compose.replace('/base:', '/other:'))).toEqual(['api image'])
  })

  it('finds every service that extends the edited one, in inactive profiles too', async () => {
    expect(await changes('compose.yml', compose.replace('shop/fixed:1', 'shop/fixed:2'))).toEqual([
      'fixed image',
      'twin image',
    ])
  })

  it('finds what a variable of the env file reaches: included and extended files, defaults, other env files', async () => {
    expect(await changes('.env', 'IMAGE_TAG=1.5\n')).toEqual([
      'api environment.URL',
      'api image',
      'inc image',
      'worker environment.TAG',
    ])
    expect(await changes('.env', 'IMAGE_TAG=1.4\nLEVEL=debug\n')).toEqual([
      'api environment.LEVEL',
      'worker environment.LEVEL',
    ])
    expect(await changes('.env', 'IMAGE_TAG=1.4\nDATA=other\n')).toEqual([
      'fixed volumes',
      'twin volumes',
      'shared volumes.data.name',
      'shared volumes.other.name',
    ])
  })

  it('finds that the project would have another name, where it is derived from the files', async () => {
    await writeFile(path('.env'), 'IMAGE_TAG=1.4\nCOMPOSE_PROJECT_NAME=named\n')
    const named = { project: 'named' }
    expect(await changes('.env', 'IMAGE_TAG=1.4\n', named)).toEqual(['shared name'])
    expect(await changes('.env', 'IMAGE_TAG=1.4\nCOMPOSE_PROJECT_NAME=other\n', named)).toEqual([
      'shared name',
    ])
    expect(await changes('.env', 'COMPOSE_PROJECT_NAME="named"\nIMAGE_TAG=1.4\n', named)).toEqual([])
    expect(await changes('.env', 'IMAGE_TAG=1.4\n')).toEqual([])
    expect(await changes('compose.yml', `name: shown\n${compose}`, named)).toEqual([])
    await writeFile(path('.env'), 'IMAGE_TAG=1.4\n')
    await shop.write(`name: named\n${compose}`)
    expect(await changes('compose.yml', `name: shown\n${compose}`, named)).toEqual(['shared name'])
  })

  it('takes the env files of the stack in place of the one in its folder', async () => {
    const more = { envFiles: [path('prod.env')] }
    expect(await changes('prod.env', 'IMAGE_TAG=1.5\n', more)).toContain('api image')
    expect(await changes('.env', 'IMAGE_TAG=1.5\n', more)).toBeNull()
  })

  it('takes no change from an env file that the environment of the stack overrides', async () => {
    const more = { environment: { ...shop.stack.environment, IMAGE_TAG: '1.3' } }
    expect(await changes('.env', 'IMAGE_TAG=1.5\n', more)).toEqual([])
  })

  it('finds the services whose env_file it is, also where a variable names it', async () => {
    expect(await changes('app.env', 'MODEL=small\n')).toEqual([
      'api environment.MODEL',
      'api environment.URL',
    ])
    expect(await changes('more/inc.env', 'A=2\n')).toEqual(['inc environment.A'])
    expect(await changes('more/ext.env', 'TAG=${IMAGE_TAG}\nB=1\n')).toEqual(['worker environment.B'])
    await shop.write(compose.replace('[app.env]', '["${APP_FILE:-none}.env", "${MORE}"]'))
    await writeFile(path('absolute.env'), 'C=1\n')
    const more = {
      envFiles: [path('prod.env')],
      environment: { ...shop.stack.environment, MORE: path('absolute.env') },
    }
    expect(await changes('app.env', 'MODEL=small\nURL=db://${IMAGE_TAG}\n', more)).toEqual([
      'api environment.MODEL',
    ])
    expect(await changes('absolute.env', 'C=2\n', more)).toEqual(['api environment.C'])
  })

  it('names the first variable of a service that had none', async () => {
    await shop.write(
      compose.replace('image: shop/fixed:1', 'image: shop/fixed:1\n    env_file: [more/none.env]'),
    )
    await writeFile(path('more/none.env'), '')
    expect(await changes('more/none.env', 'A=1\n')).toEqual(['fixed environment.A', 'twin environment.A'])
  })

  it('compares one file in both of its roles, as env file of the stack and of a service', async () => {
    await shop.write(compose.replace('[app.env]', '[.env]'))
    expect(await changes('.env', 'IMAGE_TAG=1.4\nLEVEL=debug\n')).toEqual([
      'api environment.LEVEL',
      'worker environment.LEVEL',
    ])
    expect(await changes('.env', 'IMAGE_TAG=1.4\nMODEL=small\n')).toEqual(['api environment.MODEL'])
  })

  it('finds what services share, and a service that disappears', async () => {
    expect(
      await changes('compose.yml', compose.replace('data: {}, other', 'data: { external: true }, other')),
    ).toEqual(['shared volumes.data.external', 'shared volumes.data.name'])
    expect(await changes('compose.yml', compose.replace(/ {2}twin:[^]*?by-hand\]\n/, ''))).toEqual(['twin'])
  })

  it('does not know a file that the stack reads nowhere', async () => {
    expect(await changes('other.env', 'IMAGE_TAG=1.5\n')).toBeNull()
  })

  it('refuses an edit after which Compose could not read the stack, and leaves no file behind', async () => {
    const ours = async () =>
      (await readdir(tmpdir())).filter((name) => name.startsWith('runbook-edit-')).length
    const before = await ours()
    for (const [name, body] of [
      ['compose.yml', 'services: [broken'],
      ['.env', 'A="unterminated\n'],
    ] as const)
      await expect(changes(name, body)).rejects.toMatchObject({
        code: 'preflight',
        message: expect.stringMatching(
          new RegExp(`cannot edit ${path(name)}: Compose would refuse the stack`),
        ),
      })
    await expect(changes('.env', 'A="unterminated\n')).rejects.not.toThrow('/proc/')
    expect(await ours()).toBe(before)
  })
})
